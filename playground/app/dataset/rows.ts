import { useQueries, useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ROWS_QUERY_KEY, type Dataset } from '../api/catalog';
import { requestText } from '../api/graphql';
import type { Row, Sort } from '../grid/Grid';
import { countQuery, pageQuery } from './document';

const PAGE_ROWS = 100;
/** Pages are asked for when scrolling has come to rest for so long, not on the way. */
const SETTLE_MS = 50;

export interface RowsView {
  fields: readonly string[];
  where: Record<string, unknown> | null;
  sort: Sort | undefined;
}

export interface Rows {
  rowAt: (index: number) => Row | undefined;
  /** Says which rows are looked at; their pages are fetched. */
  onRange: (first: number, last: number) => void;
  error: Error | null;
  retry: () => void;
}

/** The rows of a dataset from `offset` on, fetched in pages as they are looked at. */
export function useRows(dataset: Dataset, view: RowsView, offset: number): Rows {
  const [range, setRange] = useState({ firstPage: 0, lastPage: 0 });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onRange = useCallback((first: number, last: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const next = {
        firstPage: Math.floor(first / PAGE_ROWS),
        lastPage: Math.floor(last / PAGE_ROWS),
      };
      setRange((now) =>
        now.firstPage === next.firstPage && now.lastPage === next.lastPage ? now : next,
      );
    }, SETTLE_MS);
  }, []);

  const { fields, where, sort } = view;
  const pageNumbers = numbersBetween(range.firstPage, range.lastPage);
  const pages = useQueries({
    queries: pageNumbers.map((page) => ({
      queryKey: [ROWS_QUERY_KEY, dataset.name, dataset.version, fields, where, sort, offset, page],
      queryFn: async ({ signal }: { signal: AbortSignal }) =>
        requestText<{ rows: Row[] }>(
          pageQuery(dataset, fields),
          {
            where,
            orderBy: sort ? [{ [sort.column]: sort.direction }] : null,
            limit: PAGE_ROWS,
            offset: offset + page * PAGE_ROWS,
          },
          signal,
        ).then(({ rows }) => rows),
      staleTime: Infinity,
    })),
  });

  const rowsByPage = new Map(pages.map(({ data }, index) => [pageNumbers[index], data]));
  const failed = pages.find(({ isError }) => isError);
  return {
    rowAt: (index) => rowsByPage.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
    onRange,
    error: failed?.error ?? null,
    retry: () => pages.filter(({ isError }) => isError).forEach((page) => void page.refetch()),
  };
}

/** How many rows the filter leaves; null until it is known. */
export function useRowCount(dataset: Dataset, where: RowsView['where']): number | null {
  const { data } = useQuery<number>({
    queryKey: [ROWS_QUERY_KEY, dataset.name, dataset.version, 'count', where],
    enabled: where !== null,
    queryFn: ({ signal }) =>
      requestText<{ rows: { aggregate: { count: number | string } } }>(
        countQuery(dataset),
        { where },
        signal,
      ).then(({ rows }) => Number(rows.aggregate.count)),
    staleTime: Infinity,
    placeholderData: (before) => before,
  });
  return where === null ? Number(dataset.rowCount) : (data ?? null);
}

/** The same object for the same content, so that what depends on it is not done again. */
export function useStable<T>(value: T): T {
  const text = JSON.stringify(value);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the text stands for the value
  return useMemo(() => value, [text]);
}

function numbersBetween(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
