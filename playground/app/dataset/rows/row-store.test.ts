import { expect, test, vi } from 'vitest';
import type { Row } from '../../grid/types';
import { RowStore } from './row-store';
import type { RowSource } from './pages';

/** A source whose rows can be changed under the store. */
function changing(rows: Row[]): RowSource {
  const part = (from: number, to: number) => {
    const found = rows.slice(Math.max(0, from), to).map((row) => ({ ...row }));
    return { rows: found, start: String(from), end: String(from + found.length - 1) };
  };
  return {
    hasCursors: true,
    isSorted: false,
    after: (cursor, n) => {
      const from = cursor === null ? 0 : Number(cursor) + 1;
      return Promise.resolve(part(from, from + n));
    },
    before: (cursor, n) => {
      const to = cursor === null ? rows.length : Number(cursor);
      return Promise.resolve(part(to - n, to));
    },
    at: (offset, n) => Promise.resolve(part(offset, offset + n).rows),
    idAt: (offset) => Promise.resolve(rows[offset]?.['id']),
    cursorOf: (id) => Promise.resolve(String(rows.findIndex((row) => row['id'] === id))),
    count: () => Promise.resolve(rows.length),
  };
}

const numbers = (n: number): Row[] =>
  Array.from({ length: n }, (_, id) => ({ id, name: `row ${id}` }));

test('rows come where they are looked at', async () => {
  const store = new RowStore(changing(numbers(1000)), null);
  const stop = store.start();
  store.onRange(500, 520);
  await vi.waitFor(() => expect(store.rowAt(510)).toMatchObject({ id: 510 }));
  expect(store.getState().nRows).toBe(1000);
  store.onRange(990, 999);
  await vi.waitFor(() => expect(store.rowAt(999)).toMatchObject({ id: 999 }));
  expect(await store.load(205, 207)).toMatchObject([{ id: 205 }, { id: 206 }, { id: 207 }]);
  stop();
});

test('an edit is shown at once; rows that are gone close up, new ones are at the end', async () => {
  const rows = numbers(300);
  const store = new RowStore(changing(rows), 300);
  const stop = store.start();
  store.onRange(0, 20);
  await vi.waitFor(() => expect(store.rowAt(5)).toBeDefined());
  store.patch(5, { name: 'changed' });
  expect(store.rowAt(5)).toEqual({ id: 5, name: 'changed' });
  rows.splice(5, 1);
  store.remove(new Set([5]));
  expect(store.getState().nRows).toBe(299);
  await vi.waitFor(() => expect(store.rowAt(5)).toMatchObject({ id: 6 }));
  rows.push({ id: 999, name: 'new' });
  store.append(1);
  store.onRange(290, 299);
  await vi.waitFor(() => expect(store.rowAt(299)).toMatchObject({ id: 999 }));
  stop();
});

test('old rows are shown until those of a newer version are there', async () => {
  const rows = numbers(300);
  const store = new RowStore(changing(rows), 300);
  const stop = store.start();
  store.onRange(0, 20);
  await vi.waitFor(() => expect(store.rowAt(0)).toBeDefined());
  rows[0] = { id: 0, name: 'by others' };
  store.refresh();
  expect(store.rowAt(0)).toEqual({ id: 0, name: 'row 0' });
  await vi.waitFor(() => expect(store.rowAt(0)).toEqual({ id: 0, name: 'by others' }));
  stop();
});

test('a failure is told, and tried again', async () => {
  const source = changing(numbers(10));
  let isDown = true;
  const store = new RowStore(
    {
      ...source,
      after: (...given) => (isDown ? Promise.reject(new Error('down')) : source.after(...given)),
    },
    10,
  );
  const stop = store.start();
  store.onRange(0, 9);
  await vi.waitFor(() => expect(store.getState().error?.message).toBe('down'));
  isDown = false;
  store.retry();
  await vi.waitFor(() => expect(store.rowAt(0)).toBeDefined());
  expect(store.getState().error).toBeNull();
  stop();
});

test('the first rows are there before they are counted', async () => {
  let tellCount: (n: number) => void = () => undefined;
  const counted = new Promise<number>((resolve) => (tellCount = resolve));
  const store = new RowStore({ ...changing(numbers(1000)), count: () => counted }, null);
  const stop = store.start();
  await vi.waitFor(() => expect(store.rowAt(99)).toMatchObject({ id: 99 }));
  expect(store.getState()).toMatchObject({ nRows: null, nSeen: 100 });
  store.onRange(500, 520);
  tellCount(1000);
  await vi.waitFor(() => expect(store.rowAt(510)).toMatchObject({ id: 510 }));
  expect(store.getState().nRows).toBe(1000);
  stop();
});

test.each([0, 7, 99])('a first page that is not full needs no count: %s rows', async (n) => {
  const store = new RowStore(
    { ...changing(numbers(n)), count: () => new Promise<number>(() => undefined) },
    null,
  );
  const stop = store.start();
  await vi.waitFor(() => expect(store.getState().nRows).toBe(n));
  expect(store.isCounting).toBe(false);
  stop();
});
