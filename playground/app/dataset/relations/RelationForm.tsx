import { useId, useState, type ReactElement } from 'react';
import { useDatasets, type Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundAddRelationDocument } from '../../api/operations';
import { useChange } from '../change';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';

export interface RelationWish {
  from: string;
  column: string;
  to: string;
  toColumn: string;
  name: string;
  inverseName: string;
}

/**
 * Declares a relation. What the data suggest is given; for one of somebody's own, the columns are
 * chosen here.
 */
export function RelationForm(props: {
  dataset: Dataset;
  suggestion?: RelationWish;
  onDone: () => void;
}): ReactElement {
  const { dataset, suggestion } = props;
  const datasets = useDatasets().data ?? [];
  const [wish, setWish] = useState<RelationWish>(
    suggestion ?? {
      from: dataset.name,
      column: dataset.columns[0]?.name ?? '',
      to: datasets.find(({ name }) => name !== dataset.name)?.name ?? dataset.name,
      toColumn: '',
      name: '',
      inverseName: '',
    },
  );
  const id = useId();
  const change = useChange(async (wanted: RelationWish) => {
    await request(PlaygroundAddRelationDocument, {
      ...wanted,
      toColumn: orNull(wanted.toColumn),
      name: orNull(wanted.name),
      inverseName: orNull(wanted.inverseName),
    });
    return null;
  });
  const set = (part: Partial<RelationWish>) => {
    setWish((now) => ({ ...now, ...part }));
    change.reset();
  };
  const target = datasets.find(({ name }) => name === wish.to);

  return (
    <form
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        void change.run(wish).then((job) => {
          if (job !== false) props.onDone();
        });
      }}
    >
      {suggestion ? (
        <p>
          <code>
            {wish.from}.{wish.column}
          </code>{' '}
          refers to{' '}
          <code>
            {wish.to}.{wish.toColumn}
          </code>
        </p>
      ) : (
        <>
          <label htmlFor={`${id}column`}>Column of {dataset.name}</label>
          <select
            id={`${id}column`}
            className="input"
            value={wish.column}
            onChange={(event) => set({ column: event.target.value })}
          >
            {dataset.columns.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
          <label htmlFor={`${id}to`}>Refers to the dataset</label>
          <select
            id={`${id}to`}
            className="input"
            value={wish.to}
            onChange={(event) => set({ to: event.target.value, toColumn: '' })}
          >
            {datasets.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <label htmlFor={`${id}toColumn`}>By its column</label>
          <select
            id={`${id}toColumn`}
            className="input"
            value={wish.toColumn}
            onChange={(event) => set({ toColumn: event.target.value })}
          >
            <option value="">The key</option>
            {target?.columns.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </>
      )}
      <label htmlFor={`${id}name`}>Field of {wish.from}, to the one row</label>
      <input
        id={`${id}name`}
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        placeholder="from the column’s name"
        value={wish.name}
        onChange={(event) => set({ name: event.target.value })}
      />
      <label htmlFor={`${id}inverse`}>Field of {wish.to}, back to the list</label>
      <input
        id={`${id}inverse`}
        className="input mono"
        autoComplete="off"
        spellCheck={false}
        placeholder={wish.from}
        value={wish.inverseName}
        onChange={(event) => set({ inverseName: event.target.value })}
      />
      <p className="hint">
        Both fields can be asked for, filtered and sorted by at once. Indexes that are missing are
        built.
      </p>
      <Progress change={change} />
      <Problem error={change.error} />
      <div className="dialog-actions">
        <button type="submit" className="button primary" disabled={change.isRunning}>
          Declare the relation
        </button>
      </div>
    </form>
  );
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim();
}
