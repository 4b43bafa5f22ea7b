import type { ReactElement } from 'react';
import type { Sheet } from './plan';

const NUMBERS = new Set(['INT', 'BIGINT', 'DECIMAL', 'FLOAT']);

/** The first rows as they would be served. */
export function Preview({ sheet }: { sheet: Sheet }): ReactElement {
  // What Sluice will give, a number as the key, is not in the file.
  const columns = sheet.columns.filter((column) => !column.generated);
  const rows = sheet.rows as Record<string, unknown>[];
  if (rows.length === 0) return <p className="hint">There is no row.</p>;
  return (
    <div className="wide-table preview" tabIndex={0} role="region" aria-label="First rows">
      <table className="table" aria-label={`First rows of ${sheet.dataset}`}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} className={NUMBERS.has(column.type) ? 'number' : undefined}>
                {column.name}
                <small> {column.graphqlType}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {columns.map(({ name, type }) => (
                <Cell key={name} value={row[name]} isNumber={NUMBERS.has(type)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ value, isNumber }: { value: unknown; isNumber: boolean }): ReactElement {
  if (value === null || value === undefined) {
    return <td className={isNumber ? 'null number' : 'null'}>null</td>;
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (
    <td className={isNumber ? 'number' : undefined}>
      {text === '' ? <span className="null">empty text</span> : text}
    </td>
  );
}
