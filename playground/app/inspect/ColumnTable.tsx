import type { ReactElement } from 'react';
import type { ColumnType } from '../api/operations';
import { formatCount } from '../format';
import { COLUMN_TYPES } from '../shell/types';
import {
  withColumn,
  type ColumnChoice,
  type Sheet,
  type SheetColumn,
  type SheetPlan,
} from './plan';

/** The columns with what was found and why; what is wrong is put right here. */
export function ColumnTable(props: {
  sheet: Sheet;
  first: Sheet;
  plan: SheetPlan;
  onPlan: (plan: SheetPlan) => void;
}): ReactElement {
  const { sheet, plan, onPlan } = props;
  const rows = withSkipped(sheet, props.first, plan);
  const keyName = sheet.key.length === 1 ? sheet.key[0] : undefined;
  return (
    <div className="columns-frame" tabIndex={0} role="region" aria-label="Columns found">
      <table className="table columns-found">
        <thead>
          <tr>
            <th>
              <abbr title="Load this column">Load</abbr>
            </th>
            <th>Header</th>
            <th>Field name</th>
            <th>Type</th>
            <th>Key</th>
            <th>Required</th>
            <th className="number">Without value</th>
            <th>Values and why</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ column, isSkipped }) => (
            <ColumnRow
              key={column.label}
              column={column}
              isSkipped={isSkipped}
              isKey={plan.key === null ? column.name === keyName : plan.key === column.label}
              choice={plan.columns[column.label] ?? {}}
              onChoice={(change) => onPlan(withColumn(plan, column.label, change))}
              onKey={() => onPlan({ ...plan, key: column.label })}
            />
          ))}
        </tbody>
      </table>
      {plan.key !== null && (
        <button
          type="button"
          className="button quiet"
          onClick={() => onPlan({ ...plan, key: null })}
        >
          Take the choice of the key back
        </button>
      )}
    </div>
  );
}

function ColumnRow(props: {
  column: SheetColumn;
  isSkipped: boolean;
  isKey: boolean;
  choice: ColumnChoice;
  onChoice: (change: ColumnChoice) => void;
  onKey: () => void;
}): ReactElement {
  const { column, isSkipped, choice } = props;
  const { label, evidence, statistics } = column;
  const samples = evidence.samples.slice(0, 4).join(', ');
  return (
    <tr data-skipped={isSkipped}>
      <td data-label="Load">
        <input
          type="checkbox"
          aria-label={`Load the column ${label}`}
          checked={!isSkipped}
          onChange={(event) => props.onChoice(undefinedOr('skip', !event.target.checked))}
        />
      </td>
      <td data-label="Header" className="strong">
        {label}
      </td>
      <td data-label="Field name">
        <input
          className="input"
          aria-label={`Field name of ${label}`}
          disabled={isSkipped}
          placeholder={column.name}
          value={choice.name ?? ''}
          onChange={(event) => props.onChoice(undefinedOr('name', event.target.value.trim()))}
        />
      </td>
      <td data-label="Type">
        <select
          className="input"
          aria-label={`Type of ${label}`}
          disabled={isSkipped}
          value={choice.type ?? ''}
          onChange={(event) =>
            props.onChoice(undefinedOr('type', event.target.value as ColumnType | ''))
          }
        >
          <option value="">
            {choice.type === undefined ? `Found: ${column.graphqlType}` : 'As found'}
          </option>
          {COLUMN_TYPES.map(([type, name]) => (
            <option key={type} value={type}>
              {name}
            </option>
          ))}
        </select>
      </td>
      <td data-label="Key">
        <input
          type="radio"
          name="key"
          aria-label={`${label} is the key`}
          disabled={isSkipped}
          checked={props.isKey}
          onChange={props.onKey}
        />
      </td>
      <td data-label="Required">
        <input
          type="checkbox"
          aria-label={`${label} must have a value`}
          disabled={isSkipped}
          checked={choice.required ?? column.required}
          onChange={(event) => props.onChoice({ required: event.target.checked })}
        />
      </td>
      <td className="number" data-label="Without value">
        {formatCount(statistics.nullCount)}
      </td>
      <td className="evidence">
        <p className="mono">{samples}</p>
        <p className="hint">{evidence.reason}</p>
      </td>
    </tr>
  );
}

/** A choice of one thing; what is empty or false takes the choice back. */
function undefinedOr<Name extends keyof ColumnChoice>(
  name: Name,
  value: ColumnChoice[Name] | '' | false,
): ColumnChoice {
  return { [name]: value === '' || value === false ? undefined : value };
}

/** The columns in file order, those left out by choice among them. */
function withSkipped(
  sheet: Sheet,
  first: Sheet,
  plan: SheetPlan,
): { column: SheetColumn; isSkipped: boolean }[] {
  const rows = sheet.columns
    .filter((column) => !column.generated)
    .map((column) => ({
      column,
      isSkipped: plan.columns[column.label]?.skip === true,
    }));
  first.columns.forEach((column, at) => {
    const isShown = rows.some((row) => row.column.label === column.label);
    if (isShown || plan.columns[column.label]?.skip !== true) return;
    rows.splice(Math.min(at, rows.length), 0, { column, isSkipped: true });
  });
  return rows;
}
