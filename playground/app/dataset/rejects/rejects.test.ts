import { expect, test, vi } from 'vitest';

vi.stubGlobal('sessionStorage', { getItem: () => null });
const { foundInWords, inBlocks } = await import('./rejects');

test('all are read, block by block, up to so many', async () => {
  const asked: [number, number][] = [];
  const read = (nThere: number) => (limit: number, offset: number) => {
    asked.push([limit, offset]);
    return Promise.resolve(Array.from({ length: Math.min(limit, nThere - offset) }, () => 'x'));
  };
  expect(await inBlocks(2_500, read(2_500))).toHaveLength(2_500);
  expect(asked.splice(0)).toEqual([
    [1_000, 0],
    [1_000, 1_000],
    [500, 2_000],
  ]);
  // Some are gone since they were counted.
  expect(await inBlocks(2_500, read(900))).toHaveLength(900);
  expect(asked.splice(0)).toEqual([[1_000, 0]]);
  expect(await inBlocks(0, read(0))).toEqual([]);
});

test('it is said how many were searched', () => {
  expect(foundInWords(1, 843, 843)).toBe('1 found in all 843 rejects.');
  expect(foundInWords(12, 10_000, 15_000)).toBe(
    '12 found in the first 10,000 of 15,000 rejects; those behind are not searched. Download them to search all.',
  );
});
