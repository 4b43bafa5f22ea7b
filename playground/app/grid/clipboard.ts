import type { ClipboardEvent } from 'react';
import { copyText } from '../clipboard';
import { countCells, type Rectangle } from './range';
import { tsvOf } from './tsv';
import type { GridColumn, GridProps, Row } from './types';

/** So many rows are put on the clipboard at once; more are for an export. */
export const MAX_COPIED_ROWS = 5_000;

/** Puts the cells of a range on the clipboard; gives what to say about it. */
export async function copyCells(
  event: ClipboardEvent,
  cells: Rectangle,
  columns: readonly GridColumn[],
  { rowAt, loadRows }: Pick<GridProps, 'rowAt' | 'loadRows'>,
): Promise<string> {
  event.preventDefault();
  const lastRow = Math.min(cells.lastRow, cells.firstRow + MAX_COPIED_ROWS - 1);
  const text = (rows: readonly (Row | undefined)[]) =>
    tsvOf(rows.map((row) => columns.map(({ id }) => row?.[id])));
  const rows: (Row | undefined)[] = [];
  for (let index = cells.firstRow; index <= lastRow; index++) rows.push(rowAt(index));
  if (!rows.includes(undefined) || !loadRows) {
    event.clipboardData.setData('text/plain', text(rows));
  } else if (!(await copyText(text(await loadRows(cells.firstRow, lastRow))))) {
    return 'The browser did not let the page use the clipboard.';
  }
  const nCells = countCells({ ...cells, lastRow });
  const said = `${nCells} cell${nCells === 1 ? '' : 's'} copied`;
  return lastRow < cells.lastRow ? `${said}: the first ${MAX_COPIED_ROWS} rows` : said;
}
