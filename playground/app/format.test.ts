import { expect, test } from 'vitest';
import { countOf, formatBytes, formatCount, formatMilliseconds, formatSeconds } from './format';

test('counts stay exact beyond a double', () => {
  expect(formatCount('9007199254740993')).toBe('9,007,199,254,740,993');
  expect(countOf('1', 'row')).toBe('1 row');
  expect(countOf(0, 'row')).toBe('0 rows');
});

test('sizes and times', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(1536)).toBe('1.5 KiB');
  expect(formatBytes(3 * 1024 ** 3)).toBe('3 GiB');
  expect(formatSeconds(0.2)).toBe('under a second');
  expect(formatSeconds(61)).toBe('61 s');
  expect(formatSeconds(600)).toBe('10 min');
  expect(formatMilliseconds(12.3)).toBe('12 ms');
  expect(formatMilliseconds(2345)).toBe('2.3 s');
});
