/**
 * Places in a grid. The header is row -1 and the column of row numbers is column -1, where there
 * is one.
 */
export interface Place {
  row: number;
  column: number;
}

/** What is marked: from the place where marking began to the one where the cursor is. */
export interface Marked {
  anchor: Place;
  cursor: Place;
}

export interface Rectangle {
  firstRow: number;
  lastRow: number;
  firstColumn: number;
  lastColumn: number;
}

export interface Extent {
  nRows: number;
  nColumns: number;
  /** -1 where rows have a column of their numbers, else 0. */
  firstColumn: number;
  /** Rows that a page key goes. */
  pageRows: number;
}

export const HEADER_ROW = -1;
export const GUTTER_COLUMN = -1;

/** The cells of what is marked; the header and the row numbers are none. */
export function rectangleOf({ anchor, cursor }: Marked, nColumns: number): Rectangle {
  // From a row number, whole rows are marked.
  const isWholeRows = cursor.column === GUTTER_COLUMN || anchor.column === GUTTER_COLUMN;
  return {
    firstRow: Math.max(0, Math.min(anchor.row, cursor.row)),
    lastRow: Math.max(anchor.row, cursor.row),
    firstColumn: isWholeRows ? 0 : Math.min(anchor.column, cursor.column),
    lastColumn: isWholeRows ? nColumns - 1 : Math.max(anchor.column, cursor.column),
  };
}

export function countCells(rectangle: Rectangle): number {
  const { firstRow, lastRow, firstColumn, lastColumn } = rectangle;
  return Math.max(0, lastRow - firstRow + 1) * Math.max(0, lastColumn - firstColumn + 1);
}

/** Where a key leads from a place, or null when the key is none that moves. */
export function move(key: string, isFar: boolean, from: Place, extent: Extent): Place | null {
  const { nRows, nColumns, firstColumn, pageRows } = extent;
  const to = ((): Place | null => {
    switch (key) {
      case 'ArrowUp':
        return { ...from, row: isFar ? 0 : from.row - 1 };
      case 'ArrowDown':
        return { ...from, row: isFar ? nRows - 1 : from.row + 1 };
      case 'ArrowLeft':
        return { ...from, column: isFar ? firstColumn : from.column - 1 };
      case 'ArrowRight':
        return { ...from, column: isFar ? nColumns - 1 : from.column + 1 };
      case 'PageUp':
        return { ...from, row: Math.max(0, from.row - pageRows) };
      case 'PageDown':
        return { ...from, row: from.row + pageRows };
      case 'Home':
        return { row: isFar ? 0 : from.row, column: 0 };
      case 'End':
        return { row: isFar ? nRows - 1 : from.row, column: nColumns - 1 };
      default:
        return null;
    }
  })();
  return (
    to && {
      row: Math.max(HEADER_ROW, Math.min(to.row, nRows - 1)),
      column: Math.max(firstColumn, Math.min(to.column, nColumns - 1)),
    }
  );
}
