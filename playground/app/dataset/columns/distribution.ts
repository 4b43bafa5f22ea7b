import type { ColumnType, Dataset } from '../../api/catalog';
import type { ColumnDetails } from '../details';

type Statistics = Pick<ColumnDetails['statistics'], 'min' | 'max' | 'distinctCount'>;

/** How the values of a column are counted, so that few bars tell what they are like. */
export type Plan =
  { by: 'bin'; width: string; step: number } | { by: 'period'; truncate: Period } | { by: 'value' };

export type Period = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';

export interface Group {
  /** The lower bound, the first day, or the value; null for rows without a value. */
  key: string | number | boolean | null;
  count: number;
}

export interface Bar {
  label: string;
  count: number;
}

/** Bins are as fine as so many bars allow. */
const MAX_BINS = 30;
/** More bars than this are not told apart. */
const MAX_BARS = 60;
/** So many groups are asked for at most. */
export const MAX_GROUPS = 1_000;
/** So many of the commonest values are shown. */
export const MAX_VALUES = 8;
/** Texts with more different values than this have no commonest ones worth a whole pass. */
const MAX_COUNTED_VALUES = 10_000;
const MAX_EXPONENT = 17;
const DAY_MS = 86_400_000;

/** The plan for a column; null for one whose values no bars can tell about. */
export function planFor(type: ColumnType, statistics: Statistics, nRows: number): Plan | null {
  const { min, max } = statistics;
  const nDistinct = Number(statistics.distinctCount);
  switch (type) {
    case 'BOOLEAN':
      return nRows > 0 ? { by: 'value' } : null;
    case 'STRING':
      return nDistinct > 0 && nDistinct <= MAX_COUNTED_VALUES && nDistinct * 2 <= nRows
        ? { by: 'value' }
        : null;
    case 'INT':
    case 'BIGINT':
    case 'DECIMAL':
    case 'FLOAT':
      return min !== null && max !== null ? binsBetween(type, min, max) : null;
    case 'DATE':
    case 'DATE_TIME':
    case 'LOCAL_DATE_TIME':
      return min !== null && max !== null ? periodsBetween(type, min, max) : null;
    default:
      return null;
  }
}

function binsBetween(type: ColumnType, min: string, max: string): Plan | null {
  const span = Number(max) - Number(min);
  if (!(span > 0) || !Number.isFinite(span)) return null;
  // A decimal's bins have no more digits after the point than its values.
  const nDigits = type === 'DECIMAL' ? (/\.(\d+)$/.exec(min)?.[1]?.length ?? 0) : 9;
  const finest = type === 'INT' || type === 'BIGINT' ? 0 : -nDigits;
  const raw = span / MAX_BINS;
  let exponent = Math.floor(Math.log10(raw));
  let factor = [1, 2, 5].find((candidate) => candidate * 10 ** exponent >= raw);
  if (factor === undefined) {
    factor = 1;
    exponent += 1;
  }
  if (exponent < finest) [factor, exponent] = [1, finest];
  const step = factor * 10 ** exponent;
  const width =
    exponent >= 0
      ? `${factor}${'0'.repeat(exponent)}`
      : (factor * 10 ** exponent).toFixed(-exponent);
  // What the API takes for a width has so many digits.
  if (exponent > MAX_EXPONENT) return null;
  return span / step > MAX_GROUPS ? null : { by: 'bin', width, step };
}

function periodsBetween(type: ColumnType, min: string, max: string): Plan | null {
  const [first, last] = [instantOf(min), instantOf(max)];
  if (first === null || last === null || first === last) return null;
  const nDays = (last - first) / DAY_MS + 1;
  if (type !== 'DATE' && nDays <= 3) return { by: 'period', truncate: 'HOUR' };
  const truncate = (
    [
      ['DAY', 1],
      ['WEEK', 7],
      ['MONTH', 30],
      ['QUARTER', 91],
    ] as const
  ).find(([, length]) => nDays / length <= MAX_BARS)?.[0];
  return { by: 'period', truncate: truncate ?? 'YEAR' };
}

/** The operation that counts by the plan. */
export function distributionQuery(
  { listField }: Pick<Dataset, 'listField'>,
  column: string,
  plan: Plan,
): string {
  const how =
    plan.by === 'bin'
      ? `, bin: "${plan.width}"`
      : plan.by === 'period'
        ? `, truncate: ${plan.truncate}`
        : '';
  const order =
    plan.by === 'value' ? '{ aggregate: { count: DESC } }' : `{ keys: { ${column}: ASC } }`;
  const limit = plan.by === 'value' ? MAX_VALUES + 1 : MAX_GROUPS;
  return `query PlaygroundDistribution {
  groups: ${listField}GroupBy(by: [{ column: ${enumName(column)}${how} }], orderBy: [${order}], limit: ${limit}) {
    keys { ${column} }
    aggregate { count }
  }
}`;
}

/** The enum value of a field's name: `orderDate` is `ORDER_DATE`. */
export function enumName(field: string): string {
  return field.replaceAll(/(?<!^)[A-Z]/g, '_$&').toUpperCase();
}

/** The bars for what was counted: what lies between has a bar of none, and no value no bar. */
export function barsOf(plan: Plan, groups: readonly Group[]): Bar[] {
  const present = groups.filter(({ key }) => key !== null);
  if (plan.by === 'value') {
    return present.slice(0, MAX_VALUES).map(({ key, count }) => ({ label: String(key), count }));
  }
  const counts = new Map(
    present.map(({ key, count }) => [
      plan.by === 'bin' ? Math.round(Number(key) / plan.step) : placeOf(plan.truncate, String(key)),
      count,
    ]),
  );
  const places = [...counts.keys()].sort((a, b) => a - b);
  const [first, last] = [places[0], places.at(-1)];
  if (first === undefined || last === undefined) return [];
  // What is far apart is drawn as if it were near: a bar per thousand years tells nothing.
  const drawn =
    last - first < MAX_GROUPS
      ? Array.from({ length: last - first + 1 }, (_, index) => first + index)
      : places;
  return drawn.map((place) => ({
    label: plan.by === 'bin' ? binLabel(place, plan) : periodLabel(plan.truncate, place),
    count: counts.get(place) ?? 0,
  }));
}

function binLabel(place: number, { step, width }: { step: number; width: string }): string {
  const nDigits = /\.(\d+)$/.exec(width)?.[1]?.length ?? 0;
  return `${(place * step).toFixed(nDigits)} to ${((place + 1) * step).toFixed(nDigits)}`;
}

/** The number of a period, counted from some first one. */
function placeOf(truncate: Period, key: string): number {
  const instant = instantOf(key) ?? 0;
  const date = new Date(instant);
  const months = date.getUTCFullYear() * 12 + date.getUTCMonth();
  switch (truncate) {
    case 'HOUR':
      return Math.round(instant / 3_600_000);
    case 'DAY':
      return Math.round(instant / DAY_MS);
    case 'WEEK':
      // Weeks begin on Monday; day 4 was the first Monday.
      return Math.round((instant / DAY_MS - 4) / 7);
    case 'MONTH':
      return months;
    case 'QUARTER':
      return Math.floor(months / 3);
    case 'YEAR':
      return date.getUTCFullYear();
  }
}

function periodLabel(truncate: Period, place: number): string {
  const dayOf = (days: number) => new Date(days * DAY_MS).toISOString().slice(0, 10);
  const pad = (n: number) => String(n).padStart(2, '0');
  switch (truncate) {
    case 'HOUR':
      return new Date(place * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');
    case 'DAY':
      return dayOf(place);
    case 'WEEK':
      return `the week of ${dayOf(place * 7 + 4)}`;
    case 'MONTH':
      return `${Math.floor(place / 12)}-${pad((place % 12) + 1)}`;
    case 'QUARTER':
      return `${Math.floor(place / 4)} Q${(place % 4) + 1}`;
    case 'YEAR':
      return String(place);
  }
}

/** Milliseconds of a date or time as the API writes it, all read as UTC. */
function instantOf(text: string): number | null {
  const zoned = /T/.test(text) && !/(Z|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text;
  const instant = Date.parse(zoned);
  return Number.isNaN(instant) ? null : instant;
}
