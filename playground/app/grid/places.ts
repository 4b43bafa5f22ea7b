import { defaultRangeExtractor, type Range } from '@tanstack/react-virtual';
import { useMemo } from 'react';
import type { PlacedColumn } from './columns';
import { HEADER_ROW, type Place } from './range';
import { HEADER_PX, ROW_PX } from './sizes';
import type { TallScroll } from './tall-scroll';
import type { EditStep, GridColumn } from './types';

/** Rows and columns that the cursor goes after an edit. */
export const STEPS: Record<EditStep, [down: number, right: number]> = {
  stay: [0, 0],
  leave: [0, 0],
  down: [1, 0],
  up: [-1, 0],
  right: [0, 1],
  left: [0, -1],
};

/** The place of the cell that an event came from. */
export function placeOf(target: EventTarget | null): Place | null {
  const cell = target instanceof Element ? target.closest<HTMLElement>('[data-column]') : null;
  const row = cell?.closest<HTMLElement>('[data-row]');
  if (!cell || !row) return null;
  return { row: Number(row.dataset['row']), column: Number(cell.dataset['column']) };
}

export function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('input, button') !== null;
}

export function isSame(a: Place, b: Place | null): boolean {
  return b !== null && a.row === b.row && a.column === b.column;
}

export function clamped({ row, column }: Place, nRows: number, nColumns: number): Place {
  return {
    row: Math.max(HEADER_ROW, Math.min(row, nRows - 1)),
    column: Math.min(column, nColumns - 1),
  };
}

/** What is in view, and this one: the cell of the cursor stays in the document. */
export function withIndex(range: Range, index: number): number[] {
  const shown = defaultRangeExtractor(range);
  if (index < 0 || index >= range.count || shown.includes(index)) return shown;
  return [...shown, index].sort((a, b) => a - b);
}

/** Scrolls by as little as shows the cell whole. */
export function bringIntoView(
  element: Element,
  { row, column }: Place,
  placed: readonly PlacedColumn[],
  pinnedWidth: number,
  tall: TallScroll,
): void {
  const top = row * ROW_PX;
  const inner = element.clientHeight - HEADER_PX;
  if (row >= 0 && top < tall.offset) tall.scrollTo(top);
  else if (row >= 0 && top + ROW_PX > tall.offset + inner) tall.scrollTo(top + ROW_PX - inner);
  const at = placed[column];
  if (!at || at.isPinned) return;
  if (at.left < element.scrollLeft) element.scrollLeft = at.left;
  const right = at.left + at.width + pinnedWidth;
  if (right > element.scrollLeft + element.clientWidth) {
    element.scrollLeft = Math.min(at.left, right - element.clientWidth);
  }
}

export function widthOf(placed: readonly PlacedColumn[]): number {
  return placed.reduce((sum, { width }) => sum + width, 0);
}

/** All columns as if none were pinned, in the same order. */
export function unpinned(placed: readonly PlacedColumn[]): PlacedColumn[] {
  let left = 0;
  return placed.map((column) => {
    const moved = { ...column, left, isPinned: false };
    left += column.width;
    return moved;
  });
}

/** The same list for the same places, so that rows are not drawn again. */
export function useSamePlaces(
  placed: PlacedColumn[],
  columns: readonly GridColumn[],
): PlacedColumn[] {
  const key = placed
    .map(({ column, index, left, width, isPinned }) =>
      [column.id, index, left, width, isPinned].join(),
    )
    .join(';');
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the places
  return useMemo(() => placed, [key, columns]);
}
