import {
  areaY,
  axisX,
  axisY,
  barX,
  barY,
  dot,
  lineY,
  plot,
  rectY,
  ruleX,
  ruleY,
  type Markish,
  type PlotOptions,
} from '@observablehq/plot';
import { distinct, format, measureLabel, type Point, type Points } from './points';
import type { Choice } from './choice';

export interface Size {
  width: number;
  height: number;
}

/** The colours of the series, by the variables of the page's palette. */
export const COLORS = Array.from({ length: 8 }, (_, index) => `var(--chart-${index + 1})`);

export function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? 'currentColor';
}

/** Points beyond these are drawn without a dot on the line. */
const DOTS_UP_TO = 80;
const LETTER_PX = 7;
const BAR_PX = 26;

/** Draws all kinds but the pie. The answer is one SVG element without event handlers of a page. */
export function draw(choice: Choice, data: Points, size: Size): Element {
  const { points, xKind, series } = data;
  const isSideways = choice.kind === 'bar' && xKind === 'category' && !fitsUpright(points, size);
  const yLabel = measureLabel(choice);
  const categories = distinct(points.map(({ xText }) => xText));
  const options: PlotOptions = {
    width: size.width,
    height: isSideways ? Math.max(size.height, 70 + categories.length * BAR_PX) : size.height,
    marginTop: isSideways ? 44 : 28,
    marginRight: 20,
    marginLeft: isSideways ? labelPx(categories, size.width) : marginFor(points),
    marginBottom: 44,
    // Plot writes this style on the element; colours of marks come from variables.
    style: { background: 'transparent', fontSize: '12px', fontFamily: 'inherit' },
    color: { domain: series, range: COLORS },
    ...(isSideways
      ? // The axis stands on top, in view however long the list is.
        {
          x: { grid: true, label: yLabel, axis: 'top', labelOffset: 36 },
          y: { label: null, domain: categories },
        }
      : {
          x: { label: choice.x, ...placesOf(choice, data, categories) },
          y: { grid: true, label: yLabel, nice: true },
        }),
    marks: [
      ...(isSideways
        ? sidewaysBars(
            points,
            series,
            Math.floor((labelPx(categories, size.width) - 16) / LETTER_PX),
          )
        : [...marksOf(choice, data), ...axes(choice, data, categories, size)]),
    ],
  };
  return plot(options);
}

function marksOf({ kind }: Choice, { points, xKind, series }: Points): Markish[] {
  const color = series.length > 0 ? 'series' : colorOf(0);
  const place = { x: xKind === 'category' ? 'xText' : 'x', y: 'y' };
  const title = titleOf;
  switch (kind) {
    case 'scatter':
      return [dot(points, { ...place, fill: color, fillOpacity: 0.65, r: 3.5, title, tip: true })];
    case 'area':
      return [
        areaY(points, { ...place, fill: color, fillOpacity: 0.75, title, tip: true }),
        ruleY([0]),
      ];
    case 'line':
      return [
        lineY(points, { ...place, stroke: color, strokeWidth: 2, title, tip: true }),
        ...(points.length <= DOTS_UP_TO ? [dot(points, { ...place, fill: color, r: 3 })] : []),
      ];
    case 'bar':
      return [...bars(points, xKind, color), ruleY([0])];
    case 'pie':
      return [];
  }
}

function bars(points: Point[], xKind: Points['xKind'], fill: string): Markish[] {
  const shared = { y: 'y', fill, title: titleOf, tip: true };
  if (xKind === 'category') return [barY(points, { ...shared, x: 'xText' })];
  if (xKind === 'time') {
    return [rectY(points, { ...shared, x: 'x', interval: intervalOf(points), insetRight: 1 })];
  }
  return [
    ruleX(points, { x: 'x', y: 'y', stroke: fill, strokeWidth: 4, title: titleOf, tip: true }),
  ];
}

function sidewaysBars(points: Point[], series: string[], nLetters: number): Markish[] {
  const fill = series.length > 0 ? 'series' : colorOf(0);
  return [
    axisY({ label: null, tickSize: 0, tickFormat: (text: unknown) => shortened(text, nLetters) }),
    barX(points, { y: 'xText', x: 'y', fill, title: titleOf, tip: true }),
    ruleX([0]),
  ];
}

/** What is said of a mark: the values, with x as the answer has it. */
function titleOf({ xText, y, series }: Point): string {
  return [xText, ...(series === null ? [] : [series]), format(y)].join('\n');
}

function placesOf({ kind }: Choice, { xKind }: Points, categories: string[]): object {
  if (xKind === 'time') return { type: 'utc' };
  if (xKind === 'number') return { nice: true };
  return { type: kind === 'bar' ? 'band' : 'point', domain: categories };
}

/** Where labels would lie over each other, they are slanted. */
function axes(choice: Choice, { xKind }: Points, categories: string[], size: Size): Markish[] {
  const isTight =
    xKind === 'category' &&
    categories.reduce((sum, text) => sum + Math.max(text.length, 2) * LETTER_PX, 0) > size.width;
  return [
    axisX({
      label: choice.x,
      ...(isTight && { tickRotate: -35, tickFormat: (text: unknown) => shortened(text) }),
    }),
    axisY({ label: measureLabel(choice), tickFormat: (y: number) => compact.format(y) }),
  ];
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 });

function shortened(text: unknown, nLetters = 14): string {
  const whole = String(text);
  return whole.length > nLetters ? `${whole.slice(0, nLetters - 1)}…` : whole;
}

function fitsUpright(points: Point[], { width }: Size): boolean {
  const categories = distinct(points.map(({ xText }) => xText));
  const longest = categories.reduce((most, text) => Math.max(most, text.length), 0);
  return categories.length * Math.max(longest * LETTER_PX + 8, 18) <= width - 60;
}

function labelPx(categories: string[], width: number): number {
  const longest = categories.reduce((most, text) => Math.max(most, text.length), 0);
  return Math.min(longest * LETTER_PX + 20, Math.round(width * 0.45));
}

function marginFor(points: Point[]): number {
  const longest = points.reduce((most, { y }) => Math.max(most, compact.format(y).length), 0);
  return 24 + longest * LETTER_PX;
}

const DAY_MS = 86_400_000;

/** The period that each of these instants begins. */
export function intervalOf(points: Point[]): 'hour' | 'day' | 'week' | 'month' | 'year' {
  const times = points.flatMap(({ x }) => (x instanceof Date ? [x] : []));
  if (times.every((time) => time.getTime() % DAY_MS === 0)) {
    if (times.every((time) => time.getUTCDate() === 1)) {
      return times.every((time) => time.getUTCMonth() === 0) ? 'year' : 'month';
    }
    return 'day';
  }
  return 'hour';
}
