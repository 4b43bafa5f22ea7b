import type { ColumnType } from '../../api/catalog';
import { isTimeType, listText, parseList, type Filter } from '../filters';

/** How the values of a column are put together. */
export type Grouping =
  { kind: 'value' } | { kind: 'time'; truncate: TimeUnit } | { kind: 'range'; bin: string };
export type TimeUnit = 'YEAR' | 'QUARTER' | 'MONTH' | 'WEEK' | 'DAY';

export const TIME_UNITS: Record<TimeUnit, string> = {
  YEAR: 'by year',
  QUARTER: 'by quarter',
  MONTH: 'by month',
  WEEK: 'by week',
  DAY: 'by day',
};

/** A column of documents has no values to count. */
export function hasFacet(type: ColumnType): boolean {
  return type !== 'JSON';
}

export function isDated(type: ColumnType): boolean {
  return isTimeType(type) && type !== 'LOCAL_TIME';
}

/** The filters without those that a facet of this column has set: its other values stay in view. */
export function besideFacet(filters: readonly Filter[], column: string): Filter[] {
  return filters.filter((filter) => filter.column !== column || !isOfFacet(filter));
}

function isOfFacet({ operator }: Filter): boolean {
  return ['_eq', '_in', 'isNull', '_gte', '_lt'].includes(operator);
}

/** The values that a column is filtered to; null stands for missing ones. */
export function pickedValues(filters: readonly Filter[], column: string): (string | null)[] {
  return filters
    .filter((filter) => filter.column === column)
    .flatMap(({ operator, value }) => {
      if (operator === 'isNull') return [null];
      if (operator === '_eq') return [value];
      return operator === '_in' ? parseList(value) : [];
    });
}

/** Adds a value to those that a column is filtered to, or takes it away. */
export function toggleValue(
  filters: readonly Filter[],
  column: string,
  value: string | null,
): Filter[] {
  const picked = pickedValues(filters, column);
  const others = besideFacet(filters, column);
  if (value === null) {
    return picked.includes(null) ? others : [...others, { column, operator: 'isNull', value: '' }];
  }
  const texts = picked.filter((other) => other !== null);
  const next = texts.includes(value) ? texts.filter((other) => other !== value) : [...texts, value];
  const [only] = next;
  if (only === undefined) return others;
  return next.length === 1
    ? [...others, { column, operator: '_eq', value: only }]
    : [...others, { column, operator: '_in', value: listText(next) }];
}

/** From `from` on and before `to`; the same again takes it away. */
export function toggleRange(
  filters: readonly Filter[],
  column: string,
  { from, to }: { from: string; to: string },
): Filter[] {
  const others = besideFacet(filters, column);
  if (isRangePicked(filters, column, { from, to })) return others;
  return [
    ...others,
    { column, operator: '_gte', value: from },
    { column, operator: '_lt', value: to },
  ];
}

export function isRangePicked(
  filters: readonly Filter[],
  column: string,
  { from, to }: { from: string; to: string },
): boolean {
  const has = (operator: string, value: string) =>
    filters.some(
      (one) => one.column === column && one.operator === operator && one.value === value,
    );
  return has('_gte', from) && has('_lt', to);
}

/** Where the stretch of time that begins here ends: the beginning of the next, as it is written. */
export function endOfTime(start: string, unit: TimeUnit): string {
  const date = new Date(`${start.slice(0, 10)}T00:00:00Z`);
  const months = { YEAR: 12, QUARTER: 3, MONTH: 1, WEEK: 0, DAY: 0 }[unit];
  date.setUTCMonth(date.getUTCMonth() + months);
  date.setUTCDate(date.getUTCDate() + { YEAR: 0, QUARTER: 0, MONTH: 0, WEEK: 7, DAY: 1 }[unit]);
  return date.toISOString().slice(0, 10) + start.slice(10);
}

/** A stretch of time as it is said: `2024`, `Q3 2024`, `2024-07`. */
export function timeInWords(start: string, unit: TimeUnit): string {
  const day = start.slice(0, 10);
  const year = day.slice(0, 4);
  switch (unit) {
    case 'YEAR':
      return year;
    case 'QUARTER':
      return `Q${Math.ceil(Number(day.slice(5, 7)) / 3)} ${year}`;
    case 'MONTH':
      return day.slice(0, 7);
    case 'WEEK':
      return `Week of ${day}`;
    case 'DAY':
      return day;
  }
}

/** A round width that cuts the range into ten parts or so; null where there is nothing to cut. */
export function binFor(min: string | null, max: string | null, type: ColumnType): string | null {
  const span = Number(max) - Number(min);
  if (min === null || max === null || !Number.isFinite(span) || span <= 0) return null;
  const power = 10 ** Math.floor(Math.log10(span / 8));
  const step = [1, 2, 5, 10].find((candidate) => candidate * power * 12 >= span) ?? 10;
  const isWhole = type === 'INT' || type === 'BIGINT';
  const bin = isWhole ? Math.max(1, step * power) : step * power;
  return Number(bin.toPrecision(1)).toLocaleString('en', {
    useGrouping: false,
    maximumFractionDigits: 20,
  });
}

/** The end of a part of the numbers, with no more digits than its beginning and its width have. */
export function endOfRange(from: string, bin: string): string {
  const digits = Math.max(decimals(from), decimals(bin));
  const scale = 10n ** BigInt(digits);
  const sum = scaled(from, digits) + scaled(bin, digits);
  const whole = sum / scale;
  const rest = (sum < 0n ? -sum : sum) % scale;
  const sign = sum < 0n && whole === 0n ? '-' : '';
  return digits === 0 ? String(whole) : `${sign}${whole}.${String(rest).padStart(digits, '0')}`;
}

function decimals(text: string): number {
  return text.split('.')[1]?.length ?? 0;
}

function scaled(text: string, digits: number): bigint {
  const [whole = '0', part = ''] = text.split('.');
  return BigInt(whole + part.padEnd(digits, '0'));
}
