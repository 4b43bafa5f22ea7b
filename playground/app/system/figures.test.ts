import { expect, test } from 'vitest';
import { hitShare } from './figures';

test('the share of answers from memory is told once there are any', () => {
  expect(hitShare({ cacheHits: '0', cacheMisses: '0' })).toBe('');
  expect(hitShare({ cacheHits: '3', cacheMisses: '1' })).toBe(', 75 %');
  expect(hitShare({ cacheHits: '0', cacheMisses: '7' })).toBe(', 0 %');
});
