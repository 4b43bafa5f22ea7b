import type { Column } from '../../api/catalog';
import { countOf } from '../../format';
import type { Rectangle } from '../../grid/range';
import { parseTsv } from '../../grid/tsv';
import type { Row } from '../../grid/types';
import type { RowEdit } from './edits';
import { parsePasted } from './values';

/** So many rows are changed by one paste; more are for an upload. */
export const MAX_PASTED_ROWS = 1_000;

export type Pasted = { edits: RowEdit[]; label: string } | { problem: string };

/** The rows that a paste reaches: those that are marked, or as many as were copied. */
export function pastedRange({ firstRow, lastRow }: Rectangle, text: string): [number, number] {
  const nCopied = parseTsv(text).length;
  const nRows = nCopied === 1 ? lastRow - firstRow + 1 : nCopied;
  return [firstRow, firstRow + Math.min(nRows, MAX_PASTED_ROWS + 1) - 1];
}

/** Copied cells as values for rows. One row that was copied fills all rows that are marked. */
export function pasteInto(
  rows: readonly Row[],
  columns: readonly Column[],
  cells: Rectangle,
  text: string,
): Pasted {
  const copied = parseTsv(text);
  const nMarked = cells.lastColumn - cells.firstColumn + 1;
  if (rows.length > MAX_PASTED_ROWS) {
    return { problem: `A paste changes at most ${MAX_PASTED_ROWS} rows. Upload a file for more.` };
  }
  const edits: RowEdit[] = [];
  let nCells = 0;
  for (const [at, row] of rows.entries()) {
    const line = copied.length === 1 ? copied[0] : copied[at];
    if (!line) break;
    const set: Row = {};
    const nColumns = line.length === 1 ? nMarked : line.length;
    for (const [place, column] of columns.slice(0, nColumns).entries()) {
      const cell = line.length === 1 ? line[0] : line[place];
      if (!cell || column.generated) continue;
      const parsed = parsePasted(column.type, cell);
      if ('problem' in parsed) {
        const where = `Row ${cells.firstRow + at + 1}, ${column.label}`;
        return { problem: `Nothing was pasted. ${where}: ${parsed.problem}` };
      }
      set[column.name] = parsed.value;
      nCells += 1;
    }
    edits.push({ id: row['id'], before: row, set });
  }
  if (nCells === 0) return { problem: 'Nothing was pasted: these cells cannot be changed.' };
  return { edits, label: countOf(nCells, 'pasted cell') };
}
