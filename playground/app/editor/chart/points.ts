import type { AnswerTable } from '../tabular';
import type { Aggregate, Choice } from './choice';
import { numberOf, textOf, timeOf, type ChartField, type FieldKind } from './fields';

/** One mark of a chart. */
export interface Point {
  x: Date | number | string;
  /** The value of x as the answer has it. */
  xText: string;
  y: number;
  series: string | null;
}

export interface Points {
  points: Point[];
  xKind: FieldKind;
  /** The series in the order in which they come. */
  series: string[];
  /** Rows without a value to place or measure. */
  nMissing: number;
  /** Marks, categories or series beyond what can be drawn. */
  nLeftOut: number;
}

const MAX_POINTS = 5_000;
export const MAX_CATEGORIES = 60;
export const MAX_SERIES = 8;

interface Group {
  x: Point['x'];
  xText: string;
  series: string | null;
  values: number[];
  nRows: number;
}

/** What is to be drawn: rows placed by x and series, and what they share made one number. */
export function pointsOf(table: AnswerTable, fields: ChartField[], choice: Choice): Points {
  const xKind = fields.find(({ name }) => name === choice.x)?.kind ?? 'category';
  const seriesField = choice.kind === 'pie' ? null : choice.series;
  const aggregate = choice.kind === 'pie' && choice.aggregate === 'none' ? 'sum' : choice.aggregate;
  const groups = new Map<string, Group>();
  let nMissing = 0;
  for (const [index, row] of table.rows.entries()) {
    const x = placeOf(row[choice.x], xKind);
    const y = choice.y === null ? null : numberOf(row[choice.y]);
    if (x === null || (y === null && aggregate !== 'count')) {
      nMissing += 1;
      continue;
    }
    const series = seriesField === null ? null : textOf(row[seriesField]);
    const xText = textOf(row[choice.x]);
    const place = aggregate === 'none' ? String(index) : JSON.stringify([xText, series]);
    const group = groups.get(place) ?? { x, xText, series, values: [], nRows: 0 };
    if (y !== null) group.values.push(y);
    group.nRows += 1;
    groups.set(place, group);
  }
  const all = [...groups.values()].map(({ x, xText, series, values, nRows }): Point => ({
    x,
    xText,
    series,
    y: combined(aggregate, values, nRows),
  }));
  const ordered = xKind === 'category' ? all : all.sort((a, b) => Number(a.x) - Number(b.x));
  const bounded = withinBounds(ordered, xKind, choice);
  const drawn = choice.kind === 'area' ? withoutGaps(bounded) : bounded;
  return {
    points: drawn,
    xKind,
    series: distinct(drawn.flatMap((point) => point.series ?? [])),
    nMissing,
    nLeftOut: ordered.length - bounded.length,
  };
}

function placeOf(value: unknown, kind: FieldKind): Point['x'] | null {
  if (kind === 'time') return timeOf(value);
  if (kind === 'number') return numberOf(value);
  return textOf(value);
}

function combined(aggregate: Aggregate, values: number[], nRows: number): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (aggregate) {
    case 'count':
      return nRows;
    case 'none':
    case 'sum':
      return sum;
    case 'avg':
      return sum / values.length;
    case 'min':
      return values.reduce((least, value) => Math.min(least, value), Infinity);
    case 'max':
      return values.reduce((most, value) => Math.max(most, value), -Infinity);
  }
}

function withinBounds(points: Point[], xKind: FieldKind, { kind }: Choice): Point[] {
  const series = new Set(distinct(points.map((point) => point.series)).slice(0, MAX_SERIES));
  let kept = points.filter((point) => series.has(point.series));
  // A pie puts what is small together instead.
  if (xKind === 'category' && kind !== 'pie') {
    const places = new Set(distinct(kept.map(({ xText }) => xText)).slice(0, MAX_CATEGORIES));
    kept = kept.filter(({ xText }) => places.has(xText));
  }
  return kept.slice(0, MAX_POINTS);
}

/** Areas lie on each other: a series that has nothing somewhere has a height of zero there. */
function withoutGaps(points: Point[]): Point[] {
  const series = distinct(points.map((point) => point.series));
  const places = new Map<string, Point[]>();
  for (const point of points) {
    const here = places.get(point.xText) ?? [];
    places.set(point.xText, [...here, point]);
  }
  return [...places.values()].flatMap((here) => [
    ...here,
    ...series
      .filter((name) => !here.some((point) => point.series === name))
      .flatMap((name) => here.slice(0, 1).map((point) => ({ ...point, series: name, y: 0 }))),
  ]);
}

export function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}

/** What a chart shows, in a sentence, for those who do not see it. */
export function summaryOf(choice: Choice, { points, series }: Points): string {
  const what = measureLabel(choice);
  const ys = points.map(({ y }) => y);
  const range =
    ys.length === 0
      ? 'nothing to draw'
      : `${points.length} values from ${format(lowest(ys))} to ${format(highest(ys))}`;
  const apart = series.length > 0 && choice.series !== null ? `, apart by ${choice.series}` : '';
  return `${KIND_NAMES[choice.kind]}: ${what} by ${choice.x}${apart}; ${range}.`;
}

export const KIND_NAMES: Record<Choice['kind'], string> = {
  bar: 'Bar chart',
  line: 'Line chart',
  area: 'Area chart',
  scatter: 'Scatter plot',
  pie: 'Pie chart',
};

export function measureLabel({ y, aggregate }: Choice): string {
  if (y === null || aggregate === 'count') return 'number of rows';
  return aggregate === 'none' ? y : `${aggregate} of ${y}`;
}

const numbers = new Intl.NumberFormat('en', { maximumSignificantDigits: 12 });

export function format(y: number): string {
  return numbers.format(y);
}

function lowest(values: number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function highest(values: number[]): number {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}
