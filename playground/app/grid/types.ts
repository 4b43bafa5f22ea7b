import type { ReactNode } from 'react';
import type { GridLayout } from './layout';
import type { Place, Rectangle } from './range';

export type Row = Record<string, unknown>;

export interface GridColumn {
  id: string;
  label: string;
  /** Numbers stand at the right. */
  isNumber: boolean;
  /** The width of a typical value. */
  valuePx: number;
  /** Said below the label, such as the type. */
  hint?: string;
}

export interface Sort {
  column: string;
  direction: 'ASC' | 'DESC';
}

/** What is to be told of a cell beside its value. */
export interface CellMark {
  kind: 'pending' | 'failed';
  message?: string;
}

/** A cell that is being edited, and the first sign that was typed for it. */
export interface EditedCell extends Place {
  text: string | null;
}

/** What a grid does beyond showing, where its rows can be changed. */
export interface GridEditing {
  canEdit: (column: GridColumn) => boolean;
  /** The control over the cell; `onDone` gives the keyboard back to the grid. */
  editor: (cell: EditedCell, column: GridColumn, onDone: (step?: EditStep) => void) => ReactNode;
  onClear: (cells: Rectangle, columns: readonly GridColumn[]) => void;
  onPaste: (cells: Rectangle, columns: readonly GridColumn[], text: string) => void;
}

/** Where the cursor goes after an edit; `leave` when the keyboard is elsewhere already. */
export type EditStep = 'down' | 'up' | 'right' | 'left' | 'stay' | 'leave';

/** The column of row numbers: rows can be picked there, and opened. */
export interface GridGutter {
  canPick: boolean;
  isPicked: (index: number) => boolean;
  /** `isRange` picks all from the row that was picked before. */
  onPick: (index: number, isPicked: boolean, isRange: boolean) => void;
  onOpen: (index: number) => void;
}

export interface GridProps {
  label: string;
  columns: readonly GridColumn[];
  nRows: number;
  /** The row at this place of the grid; undefined while it is on its way. */
  rowAt: (index: number) => Row | undefined;
  /** Told which rows are looked at. */
  onRange?: (first: number, last: number) => void;
  /** A row to bring into view; a new object does it again. */
  target?: { index: number } | null;
  sorts?: readonly Sort[];
  /** `isAdded`: beside the present sorts, not in their place. */
  onSort?: (column: string, isAdded: boolean) => void;
  /** Order, pins and widths; the grid keeps them itself when nobody else does. */
  layout?: GridLayout;
  onLayout?: (layout: GridLayout) => void;
  /** What the menu of a column offers beside the grid's own. */
  menu?: (column: GridColumn) => ReactNode;
  gutter?: GridGutter;
  editing?: GridEditing;
  mark?: (index: number, column: string) => CellMark | undefined;
  /** Gives the rows of a range, so that cells out of view can be copied. */
  loadRows?: (first: number, last: number) => Promise<readonly Row[]>;
  /** Keys that the grid has no use for itself. */
  onKey?: (event: React.KeyboardEvent, cell: Place) => void;
}
