import { expect, test } from 'vitest';
import { MAX_KEPT_BYTES, toDrop } from './kept';

const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;
const kept = (id: string, share: number, ageHours: number) => ({
  id,
  nBytes: share * MAX_KEPT_BYTES,
  keptAtMs: NOW_MS - ageHours * HOUR_MS,
});

test.each([
  ['nothing where there is room', [kept('a', 0.4, 1), kept('b', 0.3, 2)], 0.3, []],
  ['the oldest first', [kept('a', 0.4, 1), kept('b', 0.3, 2)], 0.5, ['b']],
  ['all for a file as large as may be', [kept('a', 0.4, 1), kept('b', 0.3, 2)], 1, ['a', 'b']],
  ['what is a day old, room or not', [kept('a', 0.1, 25), kept('b', 0.1, 23)], 0.1, ['a']],
  ['the old ones take no room', [kept('a', 0.9, 25), kept('b', 0.5, 1)], 0.5, ['a']],
])('what makes room: %s', (_name, all, share, dropped) => {
  expect(toDrop(all, share * MAX_KEPT_BYTES, NOW_MS).sort()).toEqual(dropped);
});
