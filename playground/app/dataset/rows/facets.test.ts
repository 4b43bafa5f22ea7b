import { expect, test } from 'vitest';
import type { Filter } from '../filters';
import {
  binFor,
  endOfRange,
  endOfTime,
  isRangePicked,
  pickedValues,
  timeInWords,
  toggleRange,
  toggleValue,
} from './facets';

const OTHER: Filter = { column: 'total', operator: '_gt', value: '5' };

test('values join and leave', () => {
  const one = toggleValue([OTHER], 'city', 'Oslo');
  expect(one).toEqual([OTHER, { column: 'city', operator: '_eq', value: 'Oslo' }]);
  const two = toggleValue(one, 'city', 'Paris, Texas');
  expect(two).toEqual([OTHER, { column: 'city', operator: '_in', value: 'Oslo, "Paris, Texas"' }]);
  expect(pickedValues(two, 'city')).toEqual(['Oslo', 'Paris, Texas']);
  expect(toggleValue(toggleValue(two, 'city', 'Oslo'), 'city', 'Paris, Texas')).toEqual([OTHER]);
});

test('missing values stand alone', () => {
  const none = toggleValue([{ column: 'city', operator: '_eq', value: 'Oslo' }], 'city', null);
  expect(none).toEqual([{ column: 'city', operator: 'isNull', value: '' }]);
  expect(toggleValue(none, 'city', null)).toEqual([]);
});

test('ranges', () => {
  const range = { from: '2024-01-01', to: '2025-01-01' };
  const picked = toggleRange([OTHER], 'day', range);
  expect(isRangePicked(picked, 'day', range)).toBe(true);
  expect(toggleRange(picked, 'day', range)).toEqual([OTHER]);
});

test.each([
  ['2024-01-01', 'YEAR', '2025-01-01', '2024'],
  ['2024-10-01', 'QUARTER', '2025-01-01', 'Q4 2024'],
  ['2024-02-01T00:00:00Z', 'MONTH', '2024-03-01T00:00:00Z', '2024-02'],
  ['2024-02-26', 'WEEK', '2024-03-04', 'Week of 2024-02-26'],
  ['2024-02-29T00:00:00', 'DAY', '2024-03-01T00:00:00', '2024-02-29'],
] as const)('%s %s', (start, unit, end, words) => {
  expect(endOfTime(start, unit)).toBe(end);
  expect(timeInWords(start, unit)).toBe(words);
});

test.each([
  ['0', '1000', 'INT', '100'],
  ['1', '3', 'INT', '1'],
  ['0.04', '99999.98', 'DECIMAL', '10000'],
  ['0.000000001', '0.000999999', 'FLOAT', '0.0001'],
  ['5', '5', 'INT', null],
  [null, null, 'INT', null],
] as const)('parts of %s to %s', (min, max, type, bin) => {
  expect(binFor(min, max, type)).toBe(bin);
});

test.each([
  ['-100', '100', '0'],
  ['0.1', '0.2', '0.3'],
  ['-0.20', '0.1', '-0.10'],
  ['9007199254740993', '10', '9007199254741003'],
])('%s and %s', (from, bin, end) => {
  expect(endOfRange(from, bin)).toBe(end);
});
