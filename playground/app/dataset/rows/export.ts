import { csvOf } from '../../csv';
import type { Row } from '../../grid/types';
import type { Chunk, RowSource } from './pages';

export type ExportFormat = 'csv' | 'json';

/** So many rows are read by one request; servers allow 1,000 unless told otherwise. */
const PAGE_ROWS = 1_000;

/** Where the parts of a file go, one after the other. */
export interface FileSink {
  write: (part: string) => Promise<void> | void;
  close: () => Promise<void> | void;
}

/**
 * Reads all rows of a view page by page and writes them to a file. The page stays usable: it waits
 * for the network between pages, and holds one page of rows at a time.
 */
export async function exportRows(
  source: RowSource,
  columns: readonly string[],
  format: ExportFormat,
  sink: FileSink,
  onProgress: (nRows: number) => void,
  signal: AbortSignal,
): Promise<number> {
  let nRows = 0;
  let cursor: string | null = null;
  await sink.write(format === 'csv' ? csvOf(columns, []) : '[');
  for (;;) {
    const { rows, end }: Pick<Chunk, 'rows' | 'end'> = source.hasCursors
      ? await source.after(cursor, PAGE_ROWS, signal)
      : { rows: await source.at(nRows, PAGE_ROWS, signal), end: null };
    if (rows.length > 0) await sink.write(partOf(rows, columns, format, nRows === 0));
    nRows += rows.length;
    onProgress(nRows);
    if (rows.length < PAGE_ROWS) break;
    cursor = end;
  }
  if (format === 'json') await sink.write('\n]\n');
  await sink.close();
  return nRows;
}

function partOf(
  rows: readonly Row[],
  columns: readonly string[],
  format: ExportFormat,
  isFirst: boolean,
): string {
  if (format === 'csv') {
    const text = csvOf(columns, rows);
    // Field names hold no line ends: the first one ends the header.
    return text.slice(text.indexOf('\r\n') + 2);
  }
  const objects = rows.map((row) =>
    JSON.stringify(Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))),
  );
  return `${isFirst ? '\n' : ',\n'}${objects.join(',\n')}`;
}

interface SaveFile {
  createWritable: () => Promise<{
    write: (part: string) => Promise<void>;
    close: () => Promise<void>;
  }>;
}

/**
 * A file of the reader's choice, written as the rows come, where the browser can do that; else one
 * that is kept by the browser until it is whole. Null when the reader changed their mind.
 */
export async function openFile(fileName: string, type: string): Promise<FileSink | null> {
  const picker = (window as unknown as { showSaveFilePicker?: (o: object) => Promise<SaveFile> })
    .showSaveFilePicker;
  if (picker && !navigator.webdriver) {
    try {
      return await (await picker.call(window, { suggestedName: fileName })).createWritable();
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') return null;
    }
  }
  return blobFile(fileName, type);
}

/** So much text is given to the browser at a time, which may keep it on disk. */
const PART_CHARACTERS = 4_000_000;

function blobFile(fileName: string, type: string): FileSink {
  const blobs: Blob[] = [];
  let waiting: string[] = [];
  let nWaiting = 0;
  function give(): void {
    blobs.push(new Blob(waiting));
    waiting = [];
    nWaiting = 0;
  }
  return {
    write: (part) => {
      waiting.push(part);
      nWaiting += part.length;
      if (nWaiting > PART_CHARACTERS) give();
    },
    close: () => {
      give();
      const url = URL.createObjectURL(new Blob(blobs, { type }));
      const link = document.createElement('a');
      link.href = url;
      link.download = fileName;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    },
  };
}
