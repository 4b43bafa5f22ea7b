import type { Row } from '../../grid/types';

/** A key of a row: a number or text. */
export type RowId = unknown;

/** What is done to rows, as it is sent. */
export type Change =
  | { kind: 'update'; rows: { id: RowId; set: Row }[] }
  | { kind: 'insert'; rows: Row[] }
  | { kind: 'delete'; ids: RowId[] };

/** So many rows are changed by one request, each all or nothing. */
export const MAX_CHANGED_ROWS = 100;
/** A list of keys may be longer than a list of comparisons. */
export const MAX_DELETED_ROWS = 1_000;

/** A change in parts that one request can carry. */
export function partsOf(change: Change): Change[] {
  switch (change.kind) {
    case 'update':
      return chunked(change.rows).map((rows) => ({ kind: 'update', rows }));
    case 'insert':
      return chunked(change.rows, MAX_DELETED_ROWS).map((rows) => ({ kind: 'insert', rows }));
    case 'delete':
      return chunked(change.ids, MAX_DELETED_ROWS).map((ids) => ({ kind: 'delete', ids }));
  }
}

export function chunked<T>(list: readonly T[], size = MAX_CHANGED_ROWS): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < list.length; at += size) {
    parts.push(list.slice(at, at + size));
  }
  return parts;
}
