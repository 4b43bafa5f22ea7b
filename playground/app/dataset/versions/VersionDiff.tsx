import { useId, useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { cellText } from '../../grid/cell';
import { Busy } from '../../shell/Busy';
import { Pager } from '../Pager';
import { Problem } from '../../shell/Problem';
import type { VersionPair } from '../search';
import { Counts } from './Counts';
import { diffTable, isChanged, type DiffLine } from './diff';
import { PAGE_ROWS, useDiff } from './versions';

const KIND_WORDS = { INSERTED: 'inserted', UPDATED: 'updated', DELETED: 'deleted' } as const;

/** The rows that two versions differ in, by their keys. */
export function VersionDiff(props: {
  dataset: Dataset;
  pair: VersionPair;
  /** The versions that can be chosen. */
  versions: readonly number[];
  onPair: (pair: VersionPair | undefined) => void;
}): ReactElement {
  const { dataset, pair, onPair } = props;
  const [page, setPage] = useState(0);
  const { data: diff, error, refetch } = useDiff(dataset, pair, page);
  const choices = [...new Set([...props.versions, pair.from, pair.to])].sort((a, b) => b - a);
  return (
    <div className="tab-page">
      <div className="tab-bar">
        <button type="button" className="button" onClick={() => onPair(undefined)}>
          All versions
        </button>
        <VersionChoice
          label="From version"
          value={pair.from}
          choices={choices}
          onChange={(from) => onPair({ ...pair, from })}
        />
        <VersionChoice
          label="to version"
          value={pair.to}
          choices={choices}
          onChange={(to) => onPair({ ...pair, to })}
        />
        {diff && <Counts counts={diff} />}
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {!diff && !error && <Busy label="Comparing" />}
      {diff && (
        <>
          {diff.rows.length === 0 ? (
            <p className="nothing">
              {pair.from === pair.to
                ? 'That is the same version twice.'
                : 'All rows of the two versions are the same.'}
            </p>
          ) : (
            <DiffTable {...diffTable(diff)} pair={pair} />
          )}
          <Pager
            label="rows that differ"
            page={page}
            pageSize={PAGE_ROWS}
            count={
              Number(diff.insertedCount) + Number(diff.updatedCount) + Number(diff.deletedCount)
            }
            onPage={setPage}
          />
        </>
      )}
    </div>
  );
}

function VersionChoice(props: {
  label: string;
  value: number;
  choices: readonly number[];
  onChange: (version: number) => void;
}): ReactElement {
  const id = useId();
  return (
    <span className="version-choice">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="input"
        value={props.value}
        onChange={(event) => props.onChange(Number(event.target.value))}
      >
        {props.choices.map((version) => (
          <option key={version} value={version}>
            {version}
          </option>
        ))}
      </select>
    </span>
  );
}

function DiffTable(props: {
  fields: readonly string[];
  lines: readonly DiffLine[];
  pair: VersionPair;
}): ReactElement {
  const { fields, lines, pair } = props;
  return (
    <div
      className="table-frame"
      tabIndex={0}
      role="region"
      aria-label={`Rows that differ between version ${pair.from} and version ${pair.to}`}
    >
      <table className="facts-table diff-table">
        <thead>
          <tr>
            <th scope="col">Row</th>
            {fields.map((field) => (
              <th key={field} scope="col">
                {field}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.key} data-kind={line.kind}>
              <th scope="row">
                <span className="diff-kind" data-kind={line.kind}>
                  {KIND_WORDS[line.kind]}
                </span>{' '}
                {line.key}
              </th>
              {fields.map((field) => (
                <td key={field}>
                  <DiffCell line={line} field={field} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function DiffCell({ line, field }: { line: DiffLine; field: string }): ReactElement {
  if (isChanged(line, field)) {
    return (
      <>
        {line.old && field in line.old && (
          <del>
            <Value value={line.old[field]} />
          </del>
        )}{' '}
        {line.new && field in line.new && (
          <ins>
            <Value value={line.new[field]} />
          </ins>
        )}
      </>
    );
  }
  const values = line.new ?? line.old;
  return values && field in values ? <Value value={values[field]} /> : <></>;
}

/** A value as the grid shows it: null and empty text told apart. */
function Value({ value }: { value: unknown }): ReactElement {
  const { text, kind } = cellText(value);
  return kind === 'text' ? <>{text}</> : <em className="hint">{text}</em>;
}
