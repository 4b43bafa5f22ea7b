import type { MouseEvent } from 'react';
import { isControl, isSame, placeOf } from './places';
import { GUTTER_COLUMN, HEADER_ROW, type Place } from './range';
import type { GridGutter } from './types';

/** What the mouse and fingers do in a grid: move the cursor, mark, pick and open rows, edit. */
export function pointerHandlers(grid: {
  edited: Place | null;
  cursor: Place;
  gutter: GridGutter | undefined;
  focus: () => void;
  goTo: (to: Place, isExtended?: boolean) => void;
  markTo: (to: Place) => void;
  edit: (at: Place, text: string | null) => void;
}): Record<
  'onMouseDown' | 'onMouseOver' | 'onClick' | 'onDoubleClick',
  (event: MouseEvent<HTMLDivElement>) => void
> {
  const { edited, gutter } = grid;
  return {
    onMouseDown: (event) => {
      const at = placeOf(event.target);
      if (!at || at.row === HEADER_ROW || event.button !== 0 || isSame(at, edited)) return;
      if (at.column === GUTTER_COLUMN && isControl(event.target)) return;
      grid.focus();
      event.preventDefault();
      grid.goTo(at, event.shiftKey);
    },
    onMouseOver: (event) => {
      if (event.buttons !== 1 || edited || document.activeElement !== event.currentTarget) return;
      const at = placeOf(event.target);
      if (at && at.row !== HEADER_ROW && !isSame(at, grid.cursor)) grid.markTo(at);
    },
    onClick: (event) => {
      const at = placeOf(event.target);
      if (!gutter || at?.column !== GUTTER_COLUMN || at.row < 0) return;
      const control = event.target instanceof Element && event.target.closest('input, button');
      if (!control) return;
      if (control instanceof HTMLInputElement) {
        gutter.onPick(at.row, !gutter.isPicked(at.row), event.shiftKey);
      } else gutter.onOpen(at.row);
      grid.goTo(at);
    },
    onDoubleClick: (event) => {
      const at = placeOf(event.target);
      if (at && at.row >= 0 && at.column >= 0 && !isSame(at, edited)) grid.edit(at, null);
    },
  };
}
