import { Popover } from 'radix-ui';
import { useId, useState, type ReactElement, type SubmitEvent } from 'react';
import type { Column } from '../api/catalog';
import { Icon } from '../shell/Icon';
import {
  isListOperator,
  operatorsFor,
  parseValue,
  takesValue,
  wordsOf,
  type Filter,
  type Operator,
} from './filters';
import { filterInWords } from './rows/words';

/** The conditions in words, each to be changed or taken away, and a place to add one. */
export function FilterBar(props: {
  columns: readonly Column[];
  filters: readonly Filter[];
  onChange: (filters: Filter[]) => void;
  /** A column that a filter is to be made for, asked for elsewhere. */
  wanted: string | null;
  onWanted: (column: string | null) => void;
}): ReactElement {
  const { columns, filters, onChange, wanted, onWanted } = props;
  return (
    <div className="filters" role="group" aria-label="Filters">
      {filters.map((filter, index) => {
        const column = columns.find(({ name }) => name === filter.column);
        if (!column) return null;
        const words = filterInWords(filter, column);
        return (
          <span key={index} className="chip">
            <FilterPopover
              columns={columns}
              filter={filter}
              onApply={(changed) => onChange(filters.with(index, changed))}
            >
              <button type="button" className="chip-text" title="Change this filter">
                {words}
              </button>
            </FilterPopover>
            <button
              type="button"
              className="chip-remove"
              aria-label={`Remove the filter: ${words}`}
              onClick={() => onChange(filters.filter((_, other) => other !== index))}
            >
              <Icon name="close" />
            </button>
          </span>
        );
      })}
      <FilterPopover
        columns={columns}
        wanted={wanted}
        onWanted={onWanted}
        onApply={(added) => onChange([...filters, added])}
      >
        <button type="button" className="button">
          <Icon name="filter" />
          <span>Filter</span>
        </button>
      </FilterPopover>
    </div>
  );
}

function FilterPopover(props: {
  columns: readonly Column[];
  filter?: Filter;
  wanted?: string | null;
  onWanted?: (column: string | null) => void;
  onApply: (filter: Filter) => void;
  children: ReactElement;
}): ReactElement {
  const { wanted = null } = props;
  const [isOpened, setOpened] = useState(false);
  const isOpen = isOpened || wanted !== null;
  function setOpen(isNowOpen: boolean): void {
    setOpened(isNowOpen);
    if (!isNowOpen) props.onWanted?.(null);
  }
  return (
    <Popover.Root open={isOpen} onOpenChange={setOpen}>
      <Popover.Trigger asChild>{props.children}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          aria-label="Filter"
          className="popover"
          align="start"
          sideOffset={6}
          collisionPadding={8}
        >
          <FilterForm
            columns={props.columns}
            filter={props.filter}
            wanted={wanted}
            onApply={(filter) => {
              setOpen(false);
              props.onApply(filter);
            }}
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function FilterForm(props: {
  columns: readonly Column[];
  filter: Filter | undefined;
  wanted: string | null;
  onApply: (filter: Filter) => void;
}): ReactElement | null {
  const { columns } = props;
  const id = useId();
  const [columnName, setColumnName] = useState(
    props.filter?.column ?? props.wanted ?? columns[0]?.name ?? '',
  );

  const column = columns.find(({ name }) => name === columnName) ?? columns[0];
  const [wanted, setWanted] = useState<Operator | null>(props.filter?.operator ?? null);
  const [value, setValue] = useState(props.filter?.value ?? '');
  const [problem, setProblem] = useState<string | null>(null);
  if (!column) return null;

  const operators = operatorsFor(column.type);
  // The condition stays when the column changes, where the new column's type knows it.
  const operator = operators.find((known) => known === wanted) ?? operators[0] ?? 'isNull';
  // A choice shows its first option before anybody has chosen it.
  const shownValue = column.type === 'BOOLEAN' && value !== 'false' ? 'true' : value;

  function apply(event: SubmitEvent): void {
    event.preventDefault();
    if (!column) return;
    const needsValue = takesValue(operator);
    const parsed = needsValue ? parseValue(column.type, operator, shownValue) : { value: null };
    if ('problem' in parsed) {
      setProblem(parsed.problem);
      return;
    }
    props.onApply({ column: column.name, operator, value: needsValue ? shownValue : '' });
  }

  return (
    <form className="filter-form" onSubmit={apply}>
      <label htmlFor={`${id}-column`}>Column</label>
      <select
        id={`${id}-column`}
        className="input"
        value={column.name}
        onChange={(event) => {
          setColumnName(event.target.value);
          setProblem(null);
        }}
      >
        {columns.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-operator`}>Condition</label>
      <select
        id={`${id}-operator`}
        className="input"
        value={operator}
        onChange={(event) => setWanted(event.target.value as Operator)}
      >
        {operators.map((known) => (
          <option key={known} value={known}>
            {wordsOf(known, column.type)}
          </option>
        ))}
      </select>
      {takesValue(operator) && (
        <>
          <label htmlFor={`${id}-value`}>
            {isListOperator(operator) ? 'Values, separated by commas' : 'Value'}
          </label>
          <ValueInput
            id={`${id}-value`}
            column={column}
            operator={operator}
            value={shownValue}
            problemId={problem === null ? undefined : `${id}-problem`}
            onChange={(text) => {
              setValue(text);
              setProblem(null);
            }}
          />
        </>
      )}
      {problem !== null && (
        <p role="alert" className="failure" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      <button type="submit" className="button primary">
        Apply
      </button>
    </form>
  );
}

function ValueInput(props: {
  id: string;
  column: Column;
  operator: Operator;
  value: string;
  problemId: string | undefined;
  onChange: (text: string) => void;
}): ReactElement {
  const { id, column, operator, value, problemId, onChange } = props;
  if (column.type === 'BOOLEAN') {
    return (
      <select
        id={id}
        className="input"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    );
  }
  return (
    <input
      id={id}
      className="input"
      type={column.type === 'DATE' && !isListOperator(operator) ? 'date' : 'text'}
      inputMode={isNumberType(column) && !isListOperator(operator) ? 'decimal' : undefined}
      autoComplete="off"
      value={value}
      aria-invalid={problemId !== undefined}
      aria-describedby={problemId}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function isNumberType({ type }: Column): boolean {
  return type === 'INT' || type === 'BIGINT' || type === 'DECIMAL' || type === 'FLOAT';
}
