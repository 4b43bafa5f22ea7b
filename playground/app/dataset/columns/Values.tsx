import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactElement, type RefObject } from 'react';
import { ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { requestText } from '../../api/graphql';
import { formatCount } from '../../format';
import type { ColumnDetails } from '../details';
import {
  barsOf,
  distributionQuery,
  MAX_VALUES,
  planFor,
  type Bar,
  type Group,
  type Plan,
} from './distribution';
import { Histogram } from './Histogram';

/** What the values of a column are like: a range, how many differ, and bars. */
export function Values(props: {
  dataset: Dataset;
  column: ColumnDetails;
  onFilter: (value: string) => void;
}): ReactElement | null {
  const { dataset, column } = props;
  const { nullCount, distinctCount, min, max, categories } = column.statistics;
  const nRows = Number(dataset.rowCount);
  // Values that all differ tell by their range.
  const plan = categories || column.unique ? null : planFor(column.type, column.statistics, nRows);
  // A number given by Sluice has no values of the file to speak of.
  if (column.generated) return null;
  const common = categories
    ?.map(({ value, count }) => ({ label: value, count: Number(count) }))
    .toSorted((a, b) => b.count - a.count)
    .slice(0, MAX_VALUES);
  return (
    <div className="column-values">
      <p className="hint">
        {[
          min !== null && max !== null && (min === max ? `only ${min}` : `${min} to ${max}`),
          distinctCount !== '0' && `${formatCount(distinctCount)} different`,
          nullCount !== '0' && `${formatCount(nullCount)} null`,
        ]
          .filter(Boolean)
          .join(', ')}
      </p>
      {common && <Common column={column} bars={common} nRows={nRows} onFilter={props.onFilter} />}
      {plan && <Counted {...{ dataset, column, plan, nRows }} onFilter={props.onFilter} />}
    </div>
  );
}

/** Bars that the server counts when they are looked at. */
function Counted(props: {
  dataset: Dataset;
  column: ColumnDetails;
  plan: Plan;
  nRows: number;
  onFilter: (value: string) => void;
}): ReactElement {
  const { dataset, column, plan } = props;
  const place = useRef<HTMLDivElement>(null);
  const isSeen = useSeen(place);
  const { data: bars, error } = useQuery({
    queryKey: [ROWS_QUERY_KEY, dataset.name, dataset.version, 'distribution', column.name, plan],
    enabled: isSeen,
    queryFn: async ({ signal }) => {
      const { groups } = await requestText<{ groups: CountedGroup[] }>(
        distributionQuery(dataset, column.name, plan),
        {},
        signal,
      );
      return barsOf(
        plan,
        groups.map(({ keys, aggregate }): Group => ({
          key: keys[column.name] ?? null,
          count: Number(aggregate.count),
        })),
      );
    },
    staleTime: Infinity,
  });
  return (
    <div ref={place} className="counted" data-by={plan.by} aria-busy={!bars && !error}>
      {error && <p className="hint">Its values could not be counted: {error.message}</p>}
      {bars &&
        (plan.by === 'value' ? (
          <Common column={column} bars={bars} nRows={props.nRows} onFilter={props.onFilter} />
        ) : (
          <Histogram label={column.label} bars={bars} />
        ))}
    </div>
  );
}

interface CountedGroup {
  keys: Record<string, Group['key']>;
  aggregate: { count: number | string };
}

/** The commonest values, each a way to its rows. */
function Common(props: {
  column: ColumnDetails;
  bars: readonly Bar[];
  nRows: number;
  onFilter: (value: string) => void;
}): ReactElement {
  return (
    <ul className="categories" aria-label={`Values of ${props.column.label}`}>
      {props.bars.map(({ label, count }) => (
        <li key={label}>
          <button
            type="button"
            title={`Show the rows with ${label === '' ? 'empty text' : label}`}
            onClick={() => props.onFilter(label)}
          >
            <span
              className="share"
              style={{ width: `${(100 * count) / Math.max(props.nRows, 1)}%` }}
            />
            <span className="category">{label === '' ? 'empty' : label}</span>
            <span className="count">{formatCount(count)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Whether the element was in view at some time. */
function useSeen(place: RefObject<Element | null>): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (isSeen || element === null) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [place, isSeen]);
  return isSeen;
}
