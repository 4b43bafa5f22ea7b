import type { KeyboardEvent } from 'react';
import { GUTTER_COLUMN, HEADER_ROW, move, type Extent, type Place } from './range';

/** What keys do in a grid. */
export interface GridCommands {
  cursor: Place;
  extent: Extent;
  goTo: (to: Place, isExtended: boolean) => void;
  markAll: () => void;
  /** `text` is the first sign of a value that is typed over the old one. */
  edit: (at: Place, text: string | null) => void;
  look: (at: Place) => void;
  clear: () => void;
  pick: (row: number, isRange: boolean) => void;
  openRow: (row: number) => void;
  openMenu: (column: number) => void;
  sort: (column: number, isAdded: boolean) => void;
  resize: (column: number, px: number) => void;
  moveColumn: (column: number, by: number) => void;
  /** A key that the grid has no use for. */
  other: () => void;
}

const RESIZE_STEP_PX = 16;

export function handleKey(event: KeyboardEvent, commands: GridCommands): void {
  if (event.nativeEvent.isComposing) return;
  const { cursor } = commands;
  const isHandled =
    cursor.row === HEADER_ROW
      ? headerKey(event, commands)
      : cursor.column === GUTTER_COLUMN
        ? gutterKey(event, commands)
        : cellKey(event, commands);
  if (isHandled || movementKey(event, commands)) event.preventDefault();
  else commands.other();
}

function movementKey(event: KeyboardEvent, { cursor, extent, goTo }: GridCommands): boolean {
  if (event.altKey) return false;
  const to = move(event.key, event.ctrlKey || event.metaKey, cursor, extent);
  if (!to) return false;
  goTo(to, event.shiftKey && to.row !== HEADER_ROW && cursor.row !== HEADER_ROW);
  return true;
}

function headerKey(event: KeyboardEvent, commands: GridCommands): boolean {
  const { column } = commands.cursor;
  if (column === GUTTER_COLUMN) return false;
  const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.altKey && side !== undefined) {
    if (event.shiftKey) commands.moveColumn(column, side);
    else commands.resize(column, side * RESIZE_STEP_PX);
    return true;
  }
  if (event.key === 'Enter' || event.key === 'F2' || (event.altKey && event.key === 'ArrowDown')) {
    commands.openMenu(column);
    return true;
  }
  if (event.key === ' ') {
    commands.sort(column, event.shiftKey);
    return true;
  }
  return false;
}

function gutterKey(event: KeyboardEvent, commands: GridCommands): boolean {
  const { row } = commands.cursor;
  if (event.key === ' ') commands.pick(row, event.shiftKey);
  else if (event.key === 'Enter') commands.openRow(row);
  else return markAllKey(event, commands);
  return true;
}

function cellKey(event: KeyboardEvent, commands: GridCommands): boolean {
  const { cursor } = commands;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === 'Enter' && event.shiftKey) commands.openRow(cursor.row);
  else if (isPlain && (event.key === 'Enter' || event.key === 'F2')) commands.edit(cursor, null);
  else if (isPlain && event.key === ' ') commands.look(cursor);
  else if (isPlain && (event.key === 'Delete' || event.key === 'Backspace')) commands.clear();
  else if (event.key === 'Escape') commands.goTo(cursor, false);
  else if (isPlain && isSign(event.key)) commands.edit(cursor, event.key);
  else return markAllKey(event, commands);
  return true;
}

/** Whether a key types one sign, which may be of two code units. */
function isSign(key: string): boolean {
  return key.length === 1 || (key.length === 2 && key.codePointAt(0) !== key.charCodeAt(0));
}

function markAllKey(event: KeyboardEvent, commands: GridCommands): boolean {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'a') return false;
  commands.markAll();
  return true;
}
