import { useId, useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundSetKeyDocument } from '../../api/operations';
import { useChange } from '../change';
import type { ColumnDetails } from '../details';
import { WAIT_SECONDS } from '../job';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';

const ROW_NUMBER = '';

/** Chooses the column whose values name the rows. */
export function KeyForm(props: {
  dataset: Dataset;
  columns: readonly ColumnDetails[];
  onDone: () => void;
}): ReactElement {
  const { dataset } = props;
  const columns = props.columns.filter(({ generated }) => !generated);
  const [column, setColumn] = useState(ROW_NUMBER);
  const id = useId();
  const change = useChange(async (chosen: string) => {
    const { setKey } = await request(PlaygroundSetKeyDocument, {
      dataset: dataset.name,
      column: chosen === ROW_NUMBER ? null : chosen,
      wait: WAIT_SECONDS,
    });
    return setKey.job;
  });
  async function save(): Promise<void> {
    if ((await change.run(column)) !== false) props.onDone();
  }
  const isFit = (candidate: ColumnDetails) => fits(candidate, Number(dataset.rowCount));
  return (
    <form
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <p className="hint">
        The key names each row: as <code>id</code>, for edits, for links from other datasets, and
        for uploads that change rows. Its values must be there and differ.
      </p>
      <label htmlFor={id}>Column</label>
      <select
        id={id}
        className="input"
        value={column}
        onChange={(event) => {
          setColumn(event.target.value);
          change.reset();
        }}
      >
        <option value={ROW_NUMBER}>None: a column id that fits, or else the row’s number</option>
        <optgroup label="Their values differ">
          {columns.filter(isFit).map(({ name, label }) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </optgroup>
        <optgroup label="Their values repeat or are missing">
          {columns
            .filter((candidate) => !isFit(candidate))
            .map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
        </optgroup>
      </select>
      <Progress change={change} />
      <Problem error={change.error} />
      <div className="dialog-actions">
        <button type="submit" className="button primary" disabled={change.isRunning}>
          Set the key
        </button>
      </div>
    </form>
  );
}

/** Whether the values seem to be there and to differ; the server looks at each of them. */
function fits({ unique, statistics }: ColumnDetails, nRows: number): boolean {
  const { nullCount, distinctCount } = statistics;
  // Above 128 the number of different values is an estimate.
  return nullCount === '0' && (unique || Number(distinctCount) >= nRows * 0.98);
}
