import { useId, useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundCreateIndexDocument } from '../../api/operations';
import { useChange } from '../change';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';

interface Part {
  column: string;
  isDescending: boolean;
}

/** Builds an index of columns in an order. */
export function IndexForm(props: { dataset: Dataset; onDone: () => void }): ReactElement {
  const { dataset } = props;
  const [parts, setParts] = useState<readonly Part[]>([]);
  const id = useId();
  const change = useChange(async (wanted: readonly Part[]) => {
    await request(PlaygroundCreateIndexDocument, {
      dataset: dataset.name,
      columns: wanted.map(({ column }) => column),
      descending: wanted.filter(({ isDescending }) => isDescending).map(({ column }) => column),
    });
    return null;
  });
  const labelOf = (column: string) =>
    dataset.columns.find(({ name }) => name === column)?.label ?? column;
  const free = dataset.columns.filter(({ name }) => !parts.some(({ column }) => column === name));
  return (
    <form
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        void change.run(parts).then((job) => {
          if (job !== false) props.onDone();
        });
      }}
    >
      <p className="hint">
        First the columns that queries compare by <code>_eq</code>, then those that they sort by.
        Queries use the index as soon as it is built; later versions have it, too.
      </p>
      {parts.length > 0 && (
        <ol className="index-parts">
          {parts.map(({ column, isDescending }) => (
            <li key={column}>
              <span>{labelOf(column)}</span>
              <label className="check-label">
                <input
                  type="checkbox"
                  checked={isDescending}
                  onChange={(event) => {
                    const isChecked = event.target.checked;
                    setParts(
                      parts.map((part) =>
                        part.column === column ? { column, isDescending: isChecked } : part,
                      ),
                    );
                  }}
                />
                descending
              </label>
              <button
                type="button"
                className="button compact"
                aria-label={`Remove ${labelOf(column)}`}
                onClick={() => setParts(parts.filter((part) => part.column !== column))}
              >
                Remove
              </button>
            </li>
          ))}
        </ol>
      )}
      <label htmlFor={id}>{parts.length === 0 ? 'Column' : 'Then by'}</label>
      <select
        id={id}
        className="input"
        value=""
        onChange={(event) => {
          change.reset();
          setParts([...parts, { column: event.target.value, isDescending: false }]);
        }}
      >
        <option value="" disabled>
          Choose a column
        </option>
        {free.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <Progress change={change} />
      <Problem error={change.error} />
      <div className="dialog-actions">
        <button
          type="submit"
          className="button primary"
          disabled={parts.length === 0 || change.isRunning}
        >
          Build the index
        </button>
      </div>
    </form>
  );
}
