import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { ROWS_QUERY_KEY, type Column, type Dataset } from '../../api/catalog';
import { messageOf } from '../../api/error';
import { requestText } from '../../api/graphql';
import { formatCount } from '../../format';
import { Icon } from '../../shell/Icon';
import { useDetails, type ColumnDetails } from '../details';
import { whereOf, type Filter } from '../filters';
import { groupQuery, selectColumn, viewVariables, type RowsView } from './document';
import {
  besideFacet,
  binFor,
  endOfRange,
  endOfTime,
  hasFacet,
  isDated,
  isRangePicked,
  pickedValues,
  TIME_UNITS,
  timeInWords,
  toggleRange,
  toggleValue,
  type Grouping,
  type TimeUnit,
} from './facets';

const FIRST_VALUES = 10;
const MORE_VALUES = 100;

interface Group {
  keys: Record<string, unknown>;
  aggregate: { count: number | string };
}

interface FacetProps {
  dataset: Dataset;
  columns: readonly Column[];
  view: RowsView;
  filters: readonly Filter[];
  onFilters: (filters: Filter[]) => void;
}

/** The commonest values of columns under the present filters, each a filter away. */
export function FacetPanel(
  props: FacetProps & {
    facets: readonly string[];
    onFacets: (facets: string[]) => void;
    onClose: () => void;
  },
): ReactElement {
  const { columns, facets, onFacets } = props;
  const { data: details } = useDetails(props.dataset);
  const shown = facets.flatMap((name) => columns.find((column) => column.name === name) ?? []);
  const others = columns.filter(({ name, type }) => hasFacet(type) && !facets.includes(name));
  return (
    <aside className="facets" aria-label="Facets">
      <header>
        <h2>Facets</h2>
        <button
          type="button"
          className="button quiet icon-only"
          aria-label="Close the facets"
          onClick={props.onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      <select
        className="input"
        aria-label="Add a facet"
        value=""
        onChange={(event) => onFacets([...facets, event.target.value])}
      >
        <option value="" disabled>
          Add a column…
        </option>
        {others.map(({ name, label }) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      {shown.length === 0 && (
        <p className="hint">Choose a column to see its values and how many rows have each.</p>
      )}
      {shown.map((column) => (
        <Facet
          key={column.name}
          {...props}
          column={column}
          details={details?.columns.find(({ name }) => name === column.name)}
          onRemove={() => onFacets(facets.filter((name) => name !== column.name))}
        />
      ))}
    </aside>
  );
}

function Facet(
  props: FacetProps & {
    column: Column;
    details: ColumnDetails | undefined;
    onRemove: () => void;
  },
): ReactElement {
  const { dataset, columns, view, filters, column, onFilters } = props;
  const { name, type } = column;
  const bin = binFor(
    props.details?.statistics.min ?? null,
    props.details?.statistics.max ?? null,
    type,
  );
  const choices = groupings(type, bin);
  const [choice, setChoice] = useState<string | null>(null);
  const grouping = choices[choice ?? ''] ?? Object.values(choices)[0] ?? { kind: 'value' };
  const [limit, setLimit] = useState(FIRST_VALUES);
  const typeOf = (wanted: string) => columns.find((one) => one.name === wanted)?.type;
  const where = whereOf(besideFacet(filters, name), typeOf);
  const isByValue = grouping.kind === 'value';
  const variables = {
    ...viewVariables({ ...view, where, sorts: [] }),
    by: [
      {
        column: selectColumn(name),
        ...(grouping.kind === 'time' && { truncate: grouping.truncate }),
        ...(grouping.kind === 'range' && { bin: grouping.bin }),
      },
    ],
    groupOrder: isByValue
      ? [{ aggregate: { count: 'DESC' } }, { keys: { [name]: 'ASC' } }]
      : [{ keys: { [name]: 'ASC' } }],
    limit: (isByValue ? limit : MORE_VALUES) + 1,
  };
  const { data, error, isFetching } = useQuery({
    queryKey: [ROWS_QUERY_KEY, dataset.name, dataset.version, 'facet', name, variables],
    queryFn: async ({ signal }) =>
      (await requestText<{ rows: Group[] }>(groupQuery(dataset, view, name), variables, signal))
        .rows,
    staleTime: Infinity,
    gcTime: 30_000,
    placeholderData: keepPreviousData,
  });
  const shownLimit = isByValue ? limit : MORE_VALUES;
  const groups = data?.slice(0, shownLimit) ?? [];
  const most = Math.max(1, ...groups.map(({ aggregate }) => Number(aggregate.count)));
  return (
    <section className="facet" aria-label={`Values of ${column.label}`} aria-busy={isFetching}>
      <header>
        <h3>{column.label}</h3>
        {Object.keys(choices).length > 1 && (
          <select
            aria-label={`How ${column.label} is put together`}
            value={choice ?? Object.keys(choices)[0]}
            onChange={(event) => setChoice(event.target.value)}
          >
            {Object.keys(choices).map((words) => (
              <option key={words}>{words}</option>
            ))}
          </select>
        )}
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={`Remove the facet ${column.label}`}
          onClick={props.onRemove}
        >
          <Icon name="close" />
        </button>
      </header>
      {error && (
        <p role="alert" className="failure">
          {messageOf(error)}
        </p>
      )}
      {data === undefined && !error && <p className="hint">Counting…</p>}
      {data?.length === 0 && <p className="hint">No rows.</p>}
      <ul>
        {groups.map(({ keys, aggregate }) => {
          const key = keyText(keys[name]);
          const item = itemOf(key, grouping);
          const isPicked = item.range
            ? isRangePicked(filters, name, item.range)
            : pickedValues(filters, name).includes(key);
          return (
            <li key={key ?? 'null'}>
              <button
                type="button"
                aria-pressed={isPicked}
                title={item.words}
                onClick={() =>
                  onFilters(
                    item.range
                      ? toggleRange(filters, name, item.range)
                      : toggleValue(filters, name, key),
                  )
                }
              >
                <span
                  className="share"
                  style={{ width: `${(100 * Number(aggregate.count)) / most}%` }}
                />
                <span className="category" data-kind={key === null || key === '' ? 'none' : 'text'}>
                  {item.words}
                </span>
                <span className="count">{formatCount(aggregate.count)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {isByValue && (data?.length ?? 0) > limit && limit < MORE_VALUES && (
        <button type="button" className="link" onClick={() => setLimit(MORE_VALUES)}>
          More values
        </button>
      )}
    </section>
  );
}

/** How a column's values can be put together, the most telling way first. */
function groupings(type: Column['type'], bin: string | null): Record<string, Grouping> {
  const values = { 'each value': { kind: 'value' } } as const;
  if (isDated(type)) {
    const units = Object.entries(TIME_UNITS) as [TimeUnit, string][];
    const times = units.map(([unit, words]): [string, Grouping] => [
      words,
      { kind: 'time', truncate: unit },
    ]);
    return { ...Object.fromEntries(times), ...values };
  }
  const isNumber = ['INT', 'BIGINT', 'DECIMAL', 'FLOAT'].includes(type);
  return isNumber && bin !== null ? { 'in ranges': { kind: 'range', bin }, ...values } : values;
}

function itemOf(
  key: string | null,
  grouping: Grouping,
): { words: string; range?: { from: string; to: string } } {
  if (key === null) return { words: 'null' };
  if (grouping.kind === 'time') {
    const { truncate } = grouping;
    const range = { from: key, to: endOfTime(key, truncate) };
    return { words: timeInWords(key, truncate), range };
  }
  if (grouping.kind === 'range') {
    const range = { from: key, to: endOfRange(key, grouping.bin) };
    return { words: `${range.from} to ${range.to}`, range };
  }
  return { words: key === '' ? 'empty' : key };
}

/** A number without an exponent, so that it can be added to. */
function keyText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  const plain = { useGrouping: false, maximumFractionDigits: 15 } as const;
  return Number.isInteger(value) ? String(value) : value.toLocaleString('en', plain);
}
