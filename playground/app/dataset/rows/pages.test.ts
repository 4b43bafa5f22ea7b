import { expect, test } from 'vitest';
import type { Row } from '../../grid/types';
import { PAGE_ROWS, PageCache, PageReader, type RowSource } from './pages';

interface Asked {
  source: RowSource;
  log: string[];
}

/** A source of numbered rows, whose cursors are their numbers, that notes what it is asked. */
function numbered(nRows: number, kind: Partial<RowSource> = {}): Asked {
  const log: string[] = [];
  const rows: Row[] = Array.from({ length: nRows }, (_, id) => ({ id }));
  const chunk = (from: number, to: number) => {
    const part = rows.slice(Math.max(0, from), to);
    const [first, last] = [part[0], part.at(-1)];
    return {
      rows: part,
      start: first ? String(first['id']) : null,
      end: last ? String(last['id']) : null,
    };
  };
  const source: RowSource = {
    hasCursors: true,
    isSorted: false,
    after: (cursor, n) => {
      log.push(`after ${cursor ?? 'nothing'}`);
      const from = cursor === null ? 0 : Number(cursor) + 1;
      return Promise.resolve(chunk(from, from + n));
    },
    before: (cursor, n) => {
      log.push(`before ${cursor ?? 'the end'}`);
      const to = cursor === null ? nRows : Number(cursor);
      return Promise.resolve(chunk(to - n, to));
    },
    at: (offset, n) => {
      log.push(`at ${offset}`);
      return Promise.resolve(rows.slice(offset, offset + n));
    },
    idAt: (offset) => {
      log.push(`id at ${offset}`);
      return Promise.resolve(rows[offset]?.['id']);
    },
    cursorOf: (id) => Promise.resolve(String(id)),
    count: () => Promise.resolve(nRows),
    ...kind,
  };
  return { source, log };
}

const { signal } = new AbortController();
const N = 12_345;

test.each([
  ['in file order', {}],
  ['sorted', { isSorted: true }],
  ['by relevance', { hasCursors: false }],
])('pages %s are the same by whatever way they are reached', async (_, kind) => {
  const reader = new PageReader(numbered(N, kind).source);
  for (const page of [0, 1, 50, 51, 49, 123, 122, 57, 60, 90, 2, 0, 121]) {
    const nPages = page % 3 === 0 ? 2 : 1;
    const rows = await reader.read({ page, nPages }, N, signal);
    const first = page * PAGE_ROWS;
    const last = Math.min(N, first + nPages * PAGE_ROWS) - 1;
    expect([rows[0]?.['id'], rows.at(-1)?.['id'], rows.length]).toEqual([
      first,
      last,
      last - first + 1,
    ]);
  }
});

test('a page beside one that was read begins at its cursor, however far down', async () => {
  for (const isSorted of [false, true]) {
    const { source, log } = numbered(N, { isSorted });
    const reader = new PageReader(source);
    await reader.read({ page: 60, nPages: 1 }, N, signal);
    log.length = 0;
    await reader.read({ page: 61, nPages: 1 }, N, signal);
    await reader.read({ page: 59, nPages: 1 }, N, signal);
    await reader.read({ page: 123, nPages: 1 }, N, signal);
    expect(log).toEqual(['after 6099', 'before 6000', 'before the end']);
  }
});

test('a far page of sorted rows is sought by its key alone', async () => {
  const { source, log } = numbered(N, { isSorted: true });
  const reader = new PageReader(source);
  await reader.read({ page: 60, nPages: 1 }, N, signal);
  expect(log).toEqual(['id at 5999', 'after 5999']);
  log.length = 0;
  // Nearby, a few rows are skipped instead.
  await reader.read({ page: 64, nPages: 1 }, N, signal);
  expect(log).toEqual(['after 6099']);
});

test('places that moved are sought anew', async () => {
  const { source, log } = numbered(N);
  const reader = new PageReader(source);
  await reader.read({ page: 0, nPages: 2 }, N, signal);
  reader.forget(150);
  log.length = 0;
  await reader.read({ page: 2, nPages: 1 }, N, signal);
  expect(log).toEqual(['at 200']);
});

test('the cache is bounded and keeps what is looked at', () => {
  const cache = new PageCache();
  for (let page = 0; page < 200; page++) {
    cache.set(page, [{ id: page }], (other) => other === 3);
    cache.touch(7);
  }
  expect(cache.get(3)).toBeDefined();
  expect(cache.get(7)).toBeDefined();
  expect(cache.get(100)).toBeUndefined();
  expect(cache.get(199)).toBeDefined();
  expect(cache.find((row) => row['id'] === 199)).toEqual({ row: { id: 199 }, index: 19_900 });
  cache.dropFrom(150);
  expect(cache.get(199)).toBeUndefined();
});
