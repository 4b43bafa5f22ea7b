import type { Sort } from '../grid/Grid';
import { OPERATOR_WORDS, type Filter, type Operator } from './filters';
import { isView, type View } from './views';

/** What the address of a dataset's page says, so that back and sharing work. */
export interface DatasetSearch {
  /** Which tab; the rows when none is named. */
  view?: Exclude<View, 'rows'>;
  /** Two versions to compare. */
  diff?: VersionPair;
  /** A version whose rows are looked at. */
  asOf?: number;
  /** The first decides; the others decide between what it leaves equal. */
  sort?: Sort[];
  filters?: Filter[];
  /** Words that the rows' texts must have. */
  q?: string;
  /** Columns whose commonest values are shown. */
  facets?: string[];
  /** Columns that are not shown. */
  hidden?: string[];
}

export interface VersionPair {
  from: number;
  to: number;
}

/** Parts of the address to change; undefined takes one out. */
export type SearchChange = { [Name in keyof DatasetSearch]?: DatasetSearch[Name] | undefined };

/** Takes from an address what makes sense of it; the rest is dropped without a word. */
export function readSearch(search: Record<string, unknown>): DatasetSearch {
  const view = search['view'];
  const diff = readPair(search['diff']);
  const sort = (isRecord(search['sort']) ? [search['sort']] : list(search['sort'])).flatMap(
    readSort,
  );
  const asOf = search['asOf'];
  const q = search['q'];
  const facets = list(search['facets']).filter((name) => typeof name === 'string');
  const filters = list(search['filters']).flatMap(readFilter);
  const hidden = list(search['hidden']).filter((name) => typeof name === 'string');
  return {
    ...(isView(view) && view !== 'rows' && { view }),
    ...(diff && { diff }),
    ...(isVersion(asOf) && { asOf }),
    ...(sort.length > 0 && { sort }),
    ...(filters.length > 0 && { filters }),
    ...((typeof q === 'string' || typeof q === 'number') && q !== '' && { q: String(q) }),
    ...(facets.length > 0 && { facets }),
    ...(hidden.length > 0 && { hidden }),
  };
}

function readSort(value: unknown): Sort[] {
  if (!isRecord(value) || typeof value['column'] !== 'string') return [];
  const { column, direction } = value;
  return direction === 'ASC' || direction === 'DESC' ? [{ column, direction }] : [];
}

function isVersion(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

function readPair(value: unknown): VersionPair | null {
  if (typeof value !== 'object' || value === null) return null;
  const { from, to } = value as Record<string, unknown>;
  return isVersion(from) && isVersion(to) ? { from, to } : null;
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

/** The next sorts when a header is pressed: up, down, file order; alone or beside the others. */
export function nextSorts(sorts: readonly Sort[], column: string, isAdded: boolean): Sort[] {
  const now = sorts.find((sort) => sort.column === column)?.direction;
  const next: Sort | null =
    now === undefined
      ? { column, direction: 'ASC' }
      : now === 'ASC'
        ? { column, direction: 'DESC' }
        : null;
  if (!isAdded) return next ? [next] : [];
  if (now === undefined) return next ? [...sorts, next] : [...sorts];
  return sorts.flatMap((sort) => (sort.column === column ? (next ?? []) : sort));
}
