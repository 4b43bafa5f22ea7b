import type { Sort } from '../grid/Grid';
import { OPERATOR_WORDS, type Filter, type Operator } from './filters';

/** What the address of a dataset's page says, so that back and sharing work. */
export interface DatasetSearch {
  view?: 'columns' | 'notices';
  sort?: Sort;
  filters?: Filter[];
  /** Columns that are not shown. */
  hidden?: string[];
}

/** Parts of the address to change; undefined takes one out. */
export type SearchChange = { [Name in keyof DatasetSearch]?: DatasetSearch[Name] | undefined };

/** Takes from an address what makes sense of it; the rest is dropped without a word. */
export function readSearch(search: Record<string, unknown>): DatasetSearch {
  const view = search['view'];
  const sort = readSort(search['sort']);
  const filters = list(search['filters']).flatMap(readFilter);
  const hidden = list(search['hidden']).filter((name) => typeof name === 'string');
  return {
    ...((view === 'columns' || view === 'notices') && { view }),
    ...(sort && { sort }),
    ...(filters.length > 0 && { filters }),
    ...(hidden.length > 0 && { hidden }),
  };
}

function readSort(value: unknown): Sort | null {
  if (!isRecord(value) || typeof value['column'] !== 'string') return null;
  const { column, direction } = value;
  return direction === 'ASC' || direction === 'DESC' ? { column, direction } : null;
}

function readFilter(value: unknown): Filter[] {
  if (!isRecord(value) || typeof value['column'] !== 'string') return [];
  const { column, operator, value: text } = value;
  if (typeof operator !== 'string' || !isOperator(operator) || typeof text !== 'string') return [];
  return [{ column, operator, value: text }];
}

function isOperator(text: string): text is Operator {
  return Object.hasOwn(OPERATOR_WORDS, text);
}

function isRecord(value: unknown): value is Record<string, unknown> & { column: string } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The next sort when a header is pressed: up, down, file order. */
export function nextSort(sort: Sort | undefined, column: string): Sort | undefined {
  if (sort?.column !== column) return { column, direction: 'ASC' };
  return sort.direction === 'ASC' ? { column, direction: 'DESC' } : undefined;
}
