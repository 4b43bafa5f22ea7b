import { format, type Points } from './points';
import { colorOf, type Size } from './draw';

export interface Slice {
  label: string;
  value: number;
  /** Of the whole, 0 to 1. */
  share: number;
}

const MAX_SLICES = 8;
const SVG = 'http://www.w3.org/2000/svg';
/** A slice thinner than this has no room for its share. */
const LABEL_FROM = 0.04;

/**
 * The shares of a whole, largest first; what is beyond the colours is one slice. Null where a pie
 * would lie: there is nothing, or something below zero.
 */
export function slicesOf({ points }: Points): Slice[] | null {
  const total = points.reduce((sum, { y }) => sum + y, 0);
  if (total <= 0 || points.some(({ y }) => y < 0)) return null;
  const sorted = points
    .filter(({ y }) => y > 0)
    .map(({ xText, y }) => ({ label: xText, value: y, share: y / total }))
    .sort((a, b) => b.value - a.value);
  if (sorted.length <= MAX_SLICES) return sorted;
  const others = sorted.slice(MAX_SLICES - 1);
  const value = others.reduce((sum, slice) => sum + slice.value, 0);
  return [
    ...sorted.slice(0, MAX_SLICES - 1),
    { label: `${others.length} others`, value, share: value / total },
  ];
}

/** Plot has no pie: rings of plain arcs. */
export function drawPie(slices: Slice[], { width, height }: Size): Element {
  const svg = element('svg', { width, height, viewBox: `0 0 ${width} ${height}` });
  const radius = Math.max(20, Math.min(width, height) / 2 - 12);
  const ring = element('g', { transform: `translate(${width / 2},${height / 2})` });
  let begin = 0;
  for (const [index, { label, value, share }] of slices.entries()) {
    const end = begin + share;
    const path = element('path', { d: arc(begin, end, radius), fill: colorOf(index) });
    const title = element('title', {});
    title.textContent = `${label}: ${format(value)} (${percent(share)})`;
    path.append(title);
    ring.append(path);
    if (share >= LABEL_FROM) ring.append(shareLabel(share, (begin + end) / 2, radius * 0.78));
    begin = end;
  }
  svg.append(ring);
  return svg;
}

function shareLabel(share: number, middle: number, radius: number): SVGElement {
  const [x, y] = onCircle(middle, radius);
  const text = element('text', {
    x,
    y,
    dy: '0.35em',
    'text-anchor': 'middle',
    'font-size': 12,
    'font-weight': 600,
    fill: 'var(--on-chart)',
  });
  text.textContent = percent(share);
  return text;
}

/** The outline of a part of the ring; both ends as parts of a turn, from the top. */
export function arc(begin: number, end: number, radius: number): string {
  // A whole turn would begin where it ends, and be nothing.
  const stop = Math.min(end, begin + 0.999_999);
  const inner = radius * 0.56;
  const isLong = stop - begin > 0.5 ? 1 : 0;
  const outline = [
    `M${onCircle(begin, radius).join(',')}`,
    `A${radius},${radius} 0 ${isLong} 1 ${onCircle(stop, radius).join(',')}`,
    `L${onCircle(stop, inner).join(',')}`,
    `A${inner},${inner} 0 ${isLong} 0 ${onCircle(begin, inner).join(',')}Z`,
  ];
  return outline.join('');
}

function onCircle(turn: number, radius: number): [number, number] {
  const angle = turn * 2 * Math.PI;
  return [round(Math.sin(angle) * radius), round(-Math.cos(angle) * radius)];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

export function percent(share: number): string {
  const hundredths = share * 100;
  return `${hundredths < 10 ? Math.round(hundredths * 10) / 10 : Math.round(hundredths)} %`;
}

export function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, String(value));
  }
  return made;
}
