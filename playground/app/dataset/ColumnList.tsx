import type { ReactElement } from 'react';
import type { Column, Dataset } from '../api/catalog';
import { formatCount } from '../format';
import type { ColumnDetails, DatasetDetails } from './details';

/** So many values of a column are listed; the others are a filter away. */
const MAX_CATEGORIES = 8;

/**
 * The columns: what the file called them, what the API calls them, why they have their types, and
 * what their values are like.
 */
export function ColumnList(props: {
  dataset: Dataset;
  details: DatasetDetails | null | undefined;
  onFilter: (column: string, value: string) => void;
}): ReactElement {
  const { dataset, details, onFilter } = props;
  return (
    <div className="listing" tabIndex={0} role="region" aria-label="Columns">
      <table>
        <thead>
          <tr>
            <th scope="col">Header</th>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">Why this type</th>
            <th scope="col">Values</th>
          </tr>
        </thead>
        <tbody>
          {dataset.columns.map((column) => {
            const known = details?.columns.find(({ name }) => name === column.name);
            return (
              <tr key={column.name}>
                <td>{column.label}</td>
                <td>
                  <code>{column.name}</code>
                </td>
                <td>
                  <code>{column.graphqlType}</code>
                </td>
                <td>{known && <Why details={known} />}</td>
                <td>
                  {known && (
                    <Values
                      column={column}
                      details={known}
                      nRows={Number(dataset.rowCount)}
                      onFilter={(value) => onFilter(column.name, value)}
                    />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Why({ details }: { details: ColumnDetails }): ReactElement {
  const { reason, counterExample } = details.evidence;
  return (
    <>
      {sentence(reason)}
      {counterExample && (
        <p className="hint">
          Row {formatCount(counterExample.row)} is not {counterExample.against}:{' '}
          <q>{counterExample.text}</q>
        </p>
      )}
    </>
  );
}

function Values(props: {
  column: Column;
  details: ColumnDetails;
  nRows: number;
  onFilter: (value: string) => void;
}): ReactElement | null {
  const { nullCount, distinctCount, min, max, categories } = props.details.statistics;
  // A number given by Sluice has no values of the file to speak of.
  if (props.details.generated) return null;
  const shown = categories
    ?.toSorted((a, b) => Number(b.count) - Number(a.count))
    .slice(0, MAX_CATEGORIES);
  const range = min !== null && max !== null ? `${min} to ${max}` : null;
  return (
    <>
      <p className="hint">
        {[
          range,
          `${formatCount(distinctCount)} different`,
          nullCount !== '0' && `${formatCount(nullCount)} null`,
        ]
          .filter(Boolean)
          .join(', ')}
      </p>
      {shown && (
        <ul className="categories" aria-label={`Values of ${props.column.label}`}>
          {shown.map(({ value, count }) => (
            <li key={value}>
              <button
                type="button"
                title={`Show the rows with ${value}`}
                onClick={() => props.onFilter(value)}
              >
                <span
                  className="share"
                  style={{ width: `${(100 * Number(count)) / Math.max(props.nRows, 1)}%` }}
                />
                <span className="category">{value === '' ? 'empty' : value}</span>
                <span className="count">{formatCount(count)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
