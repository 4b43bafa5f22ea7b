import type { ReactElement } from 'react';
import type { Choice } from './choice';
import { format, measureLabel, type Points } from './points';

const MAX_ROWS = 500;

/** The numbers of the chart as a table: for reading exactly, and for those who do not see it. */
export function ChartData({ choice, data }: { choice: Choice; data: Points }): ReactElement {
  const rows = data.points.slice(0, MAX_ROWS);
  const hasSeries = data.series.length > 0;
  return (
    <details className="chart-data">
      <summary>Data of the chart</summary>
      <div className="chart-table" tabIndex={0} role="region" aria-label="Data of the chart">
        <table>
          <thead>
            <tr>
              <th scope="col">{choice.x}</th>
              {hasSeries && <th scope="col">{choice.series}</th>}
              <th scope="col">{measureLabel(choice)}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ xText, series, y }, index) => (
              <tr key={index}>
                <th scope="row">{xText}</th>
                {hasSeries && <td>{series}</td>}
                <td className="chart-number">{format(y)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
