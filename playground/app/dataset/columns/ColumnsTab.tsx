import { useState, type ReactElement } from 'react';
import type { ColumnDetails } from '../details';
import { useMay } from '../may';
import { Modal } from '../Modal';
import type { TabProps } from '../tabs';
import './columns.css';
import { EditColumn } from './EditColumn';
import { Evidence } from './Evidence';
import { KeyForm } from './KeyForm';
import { Values } from './Values';

/** From this many columns on, a list needs a search. */
const SEARCH_FROM = 12;

/**
 * The columns: what the file called them, what the API calls them, why they have their types, and
 * what their values are like. Who may, corrects them here.
 */
export default function ColumnsTab({ dataset, details, onChange }: TabProps): ReactElement {
  const mayEdit = useMay('UPLOAD');
  const [words, setWords] = useState('');
  const { columns } = details;
  const wanted = words.trim().toLowerCase();
  const shown = columns.filter(({ name, label }) =>
    `${name} ${label}`.toLowerCase().includes(wanted),
  );
  return (
    <div className="tab-page">
      {details.description !== null && <p className="about">{details.description}</p>}
      <div className="tab-bar">
        {columns.length >= SEARCH_FROM && (
          <input
            type="search"
            className="input"
            placeholder="Search"
            aria-label="Search columns"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        )}
        <p>
          <strong>Key:</strong> {keyWords(columns)}
        </p>
        {mayEdit && (
          <Modal
            title="Choose the key"
            trigger={
              <button type="button" className="button">
                Choose the key
              </button>
            }
          >
            {(close) => <KeyForm dataset={dataset} columns={columns} onDone={close} />}
          </Modal>
        )}
      </div>
      <div className="table-frame" tabIndex={0} role="region" aria-label="Columns">
        <table className="facts-table foldable columns-table">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Type</th>
              <th scope="col">Values</th>
              <th scope="col">Why this type</th>
              {mayEdit && (
                <th scope="col">
                  <span className="unseen">Change</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map((column) => (
              <tr key={column.name}>
                <th scope="row">
                  <Names column={column} isKey={details.key.includes(column.name)} />
                </th>
                <td>
                  <code>{column.graphqlType}</code>
                </td>
                <td>
                  <Values
                    dataset={dataset}
                    column={column}
                    onFilter={(value) =>
                      onChange({
                        view: undefined,
                        filters: [{ column: column.name, operator: '_eq', value }],
                      })
                    }
                  />
                </td>
                <td>
                  <Evidence column={column} />
                </td>
                {mayEdit && (
                  <td>
                    <div className="entry-actions">
                      {!column.generated && (
                        <Modal
                          title={`Column “${column.label}”`}
                          trigger={
                            <button
                              type="button"
                              className="button"
                              aria-label={`Edit ${column.label}`}
                            >
                              Edit
                            </button>
                          }
                        >
                          {(close) => (
                            <EditColumn dataset={dataset} column={column} onDone={close} />
                          )}
                        </Modal>
                      )}
                    </div>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p className="nothing">No column of that name.</p>}
    </div>
  );
}

function Names({ column, isKey }: { column: ColumnDetails; isKey: boolean }): ReactElement {
  const facts = [
    isKey && 'key',
    column.required && 'required',
    column.declared && 'type chosen',
    column.generated && 'by Sluice',
    column.unique && !isKey && 'unique',
  ].filter((fact) => fact !== false);
  return (
    <div className="column-names">
      <span>{column.label}</span>
      {column.name !== column.label && <code>{column.name}</code>}
      {facts.length > 0 && (
        <span className="fact-tags">
          {facts.map((fact) => (
            <span key={fact} className="fact-tag" data-tone={fact === 'key' ? 'accent' : undefined}>
              {fact}
            </span>
          ))}
        </span>
      )}
      {column.description !== null && <p className="column-description">{column.description}</p>}
    </div>
  );
}

/** Which column names the rows, in words. */
function keyWords(columns: readonly ColumnDetails[]): string {
  const id = columns.find(({ name }) => name === 'id');
  if (!id?.generated) return 'the column id of the file';
  const copied = columns.find(({ label, generated }) => !generated && label === id.label);
  return copied === undefined ? 'the row’s number, given by Sluice' : `the column ${copied.label}`;
}
