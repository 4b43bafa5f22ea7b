import type { ReactElement } from 'react';
import { formatMilliseconds } from '../format';
import { When } from '../shell/When';

/** A request that took long. */
export interface SlowRow {
  key: string;
  /** What its owner calls it, or what it asks for. */
  name: string;
  document: string;
  ms: number;
  /** When it was over, as the API writes times. */
  at: string;
  requestId: string | null;
  /** Whose it was; left out where all are of the same. */
  actor?: string;
}

/** Requests that took long, with their documents; nothing where there are none. */
export function SlowTable(props: {
  id: string;
  title: string;
  rows: readonly SlowRow[];
}): ReactElement | null {
  const { id, title, rows } = props;
  if (rows.length === 0) return null;
  const hasActors = rows.some((row) => row.actor !== undefined);
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <table className="table" aria-labelledby={id}>
        <thead>
          <tr>
            <th>Operation</th>
            <th className="number">Took</th>
            {hasActors && <th>By</th>}
            <th>When</th>
            <th>Request</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <td>
                <details>
                  <summary>{row.name}</summary>
                  <pre tabIndex={0}>{row.document.trim()}</pre>
                </details>
              </td>
              <td className="number" data-label="Took">
                {formatMilliseconds(row.ms)}
              </td>
              {hasActors && (
                <td className="mono" data-label="By">
                  {row.actor}
                </td>
              )}
              <td data-label="When">
                <When at={row.at} />
              </td>
              <td className="mono" data-label="Request">
                {row.requestId}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
