import type { ReactElement } from 'react';
import type { Dataset } from '../api/catalog';

/** The columns: what the file called them, and what the API calls them. */
export function ColumnList({ dataset }: { dataset: Dataset }): ReactElement {
  return (
    <div className="column-list" tabIndex={0} role="region" aria-label="Columns">
      <table>
        <thead>
          <tr>
            <th scope="col">Header</th>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
          </tr>
        </thead>
        <tbody>
          {dataset.columns.map((column) => (
            <tr key={column.name}>
              <td>{column.label}</td>
              <td>
                <code>{column.name}</code>
              </td>
              <td>
                <code>{column.graphqlType}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
