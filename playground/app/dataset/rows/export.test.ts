import { expect, test } from 'vitest';
import type { Row } from '../../grid/types';
import { exportRows, type ExportFormat } from './export';
import type { RowSource } from './pages';

const ROWS: Row[] = Array.from({ length: 2_345 }, (_, n) => ({
  id: n,
  note: n === 1 ? '=1+1' : null,
}));

function source(hasCursors: boolean): RowSource {
  const never = () => Promise.reject(new Error('not asked for'));
  return {
    hasCursors,
    isSorted: false,
    after: (cursor, n) => {
      const from = cursor === null ? 0 : Number(cursor) + 1;
      const rows = ROWS.slice(from, from + n);
      return Promise.resolve({ rows, start: String(from), end: String(from + rows.length - 1) });
    },
    at: (offset, n) => Promise.resolve(ROWS.slice(offset, offset + n)),
    before: never,
    idAt: never,
    cursorOf: never,
    count: never,
  };
}

async function exported(format: ExportFormat, hasCursors: boolean): Promise<string> {
  const parts: string[] = [];
  const sink = { write: (part: string) => void parts.push(part), close: () => undefined };
  const { signal } = new AbortController();
  const n = await exportRows(
    source(hasCursors),
    ['id', 'note'],
    format,
    sink,
    () => undefined,
    signal,
  );
  expect(n).toBe(ROWS.length);
  return parts.join('');
}

test.each([true, false])('CSV has one header and every row, by cursors: %s', async (hasCursors) => {
  const lines = (await exported('csv', hasCursors)).split('\r\n');
  expect(lines.slice(0, 3)).toEqual(['id,note', '0,', "1,'=1+1"]);
  expect(lines).toHaveLength(ROWS.length + 2);
});

test('JSON is one list, texts as they are', async () => {
  expect(JSON.parse(await exported('json', true))).toEqual(ROWS);
});
