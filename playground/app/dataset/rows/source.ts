import type { Dataset } from '../../api/catalog';
import type { Row } from '../../grid/types';
import {
  countQuery,
  cursorQuery,
  offsetQuery,
  pageQuery,
  viewVariables,
  type RowsView,
} from './document';
import type { Chunk, RowSource } from './pages';
import { requestRows } from './request-rows';

interface Connection {
  rows: { nodes: Row[]; pageInfo: { startCursor: string | null; endCursor: string | null } };
}

/** The rows of a view, from the API. */
export function rowSource(dataset: Dataset, view: RowsView): RowSource {
  const variables = viewVariables(view);
  const page = pageQuery(dataset, view);
  const at = offsetQuery(dataset, view, view.fields);
  const idAt = offsetQuery(dataset, view, ['id']);
  const cursorOf = cursorQuery(dataset, view);
  const count = countQuery(dataset, view);

  async function readPage(bounds: object, signal: AbortSignal): Promise<Chunk> {
    const { rows } = await requestRows<Connection>(page, { ...variables, ...bounds }, signal);
    return { rows: rows.nodes, start: rows.pageInfo.startCursor, end: rows.pageInfo.endCursor };
  }
  return {
    // Without an order, rows that were searched for come by relevance, which no cursor knows.
    hasCursors: view.search === '' || view.sorts.length > 0,
    isSorted: view.sorts.length > 0,
    after: (cursor, n, signal) => readPage({ first: n, after: cursor }, signal),
    before: (cursor, n, signal) => readPage({ last: n, before: cursor }, signal),
    at: async (offset, n, signal) =>
      (await requestRows<{ rows: Row[] }>(at, { ...variables, offset, limit: n }, signal)).rows,
    idAt: async (offset, signal) => {
      const place = { ...variables, offset, limit: 1 };
      return (await requestRows<{ rows: Row[] }>(idAt, place, signal)).rows[0]?.['id'];
    },
    cursorOf: async (id, signal) => {
      const one = {
        ...viewVariables({ ...view, search: '' }),
        where: { id: { _eq: id } },
        first: 1,
      };
      const { rows } = await requestRows<Connection>(cursorOf, one, signal);
      return rows.pageInfo.startCursor;
    },
    count: async (signal) => {
      const { rows } = await requestRows<{ rows: { aggregate: { count: number | string } } }>(
        count,
        variables,
        signal,
      );
      return Number(rows.aggregate.count);
    },
  };
}
