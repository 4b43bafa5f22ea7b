import type { AnswerTable } from '../tabular';
import { fieldsOf, textOf, type ChartField } from './fields';

export const CHART_KINDS = ['bar', 'line', 'area', 'scatter', 'pie'] as const;
export type ChartKind = (typeof CHART_KINDS)[number];

/** What becomes of the rows that share a place: `none` draws each by itself. */
export const AGGREGATES = ['none', 'sum', 'avg', 'min', 'max', 'count'] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** How a table is drawn. */
export interface Choice {
  kind: ChartKind;
  x: string;
  /** Null only where rows are counted. */
  y: string | null;
  aggregate: Aggregate;
  series: string | null;
}

const MAX_SERIES = 8;
/** More categories than these are hard to tell apart on an axis. */
const MANY = 30;

/** The chart that the shape of an answer asks for; null where nothing can be drawn. */
export function suggest(table: AnswerTable): Choice | null {
  const fields = fieldsOf(table);
  const amounts = fields.filter((field) => field.kind === 'number' && !isKey(field));
  const y = amounts[0]?.name ?? null;
  const time = fields.find(({ kind, nDistinct }) => kind === 'time' && nDistinct > 1);
  const category = bestCategory(fields, table.rows.length);
  const [first, second] = amounts;

  if (time) {
    const series = seriesFor(table, fields, time.name);
    return { kind: 'line', x: time.name, series, ...measure(table, time.name, series, y) };
  }
  if (category && category.nDistinct <= MANY) {
    const series = seriesFor(table, fields, category.name);
    return { kind: 'bar', x: category.name, series, ...measure(table, category.name, series, y) };
  }
  if (first && second) {
    return { kind: 'scatter', x: first.name, y: second.name, aggregate: 'none', series: null };
  }
  const x = category ?? fields.find((field) => !isKey(field)) ?? fields[0];
  if (!x) return null;
  return x.name === y
    ? { kind: 'bar', x: x.name, y: null, aggregate: 'count', series: null }
    : { kind: 'bar', x: x.name, series: null, ...measure(table, x.name, null, y) };
}

/** The reader's changes upon what was suggested, as far as this table has the columns. */
export function adjusted(table: AnswerTable, suggested: Choice, changes: Partial<Choice>): Choice {
  const names = new Set(fieldsOf(table).map(({ name }) => name));
  const choice = { ...suggested };
  if (changes.kind !== undefined) choice.kind = changes.kind;
  if (changes.aggregate !== undefined) choice.aggregate = changes.aggregate;
  if (changes.x !== undefined && names.has(changes.x)) choice.x = changes.x;
  if (changes.y != null && names.has(changes.y)) choice.y = changes.y;
  if (changes.series === null || (changes.series !== undefined && names.has(changes.series))) {
    choice.series = changes.series;
  }
  if (choice.aggregate === 'count') return { ...choice, y: null };
  if (choice.y !== null) return choice;
  // Something has to be measured when rows are no longer counted.
  const y = fieldsOf(table).find(({ kind, name }) => kind === 'number' && name !== choice.x);
  return y ? { ...choice, y: y.name } : { ...choice, aggregate: 'count' };
}

function measure(
  table: AnswerTable,
  x: string,
  series: string | null,
  y: string | null,
): Pick<Choice, 'y' | 'aggregate'> {
  if (y === null) return { y: null, aggregate: 'count' };
  return { y, aggregate: areUnique(table, [x, series]) ? 'none' : 'sum' };
}

/** A category that tells apart rows which share their x, such as the second key of groups. */
function seriesFor(table: AnswerTable, fields: ChartField[], x: string): string | null {
  if (areUnique(table, [x])) return null;
  const series = fields.find(
    ({ name, kind, nDistinct }) =>
      name !== x &&
      kind === 'category' &&
      nDistinct >= 2 &&
      nDistinct <= MAX_SERIES &&
      areUnique(table, [x, name]),
  );
  return series?.name ?? null;
}

function areUnique({ rows }: AnswerTable, columns: (string | null)[]): boolean {
  const places = rows.map((row) =>
    JSON.stringify(columns.map((column) => (column === null ? '' : textOf(row[column])))),
  );
  return new Set(places).size === rows.length;
}

/** Few values that come again and again say more than many that come once. */
function bestCategory(fields: ChartField[], nRows: number): ChartField | undefined {
  const categories = fields.filter(({ kind }) => kind === 'category');
  const telling = categories.filter(({ nDistinct }) => nDistinct > 1 && nDistinct <= MANY);
  const repeated = telling.filter(({ nDistinct }) => nDistinct * 2 <= nRows);
  return repeated[0] ?? telling[0] ?? categories[0];
}

function isKey({ name }: ChartField): boolean {
  return /(^|\.)(id|\w+Id|__row)$/.test(name) || name.endsWith(' row');
}
