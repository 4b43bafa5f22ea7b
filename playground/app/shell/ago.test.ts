import { expect, test } from 'vitest';
import { ago } from './ago';

test.each([
  [0, 'just now'],
  [3, 'just now'],
  [-59, 'just now'],
  [30, 'in under a minute'],
  [-61, '1 minute ago'],
  [-3 * 3600, '3 hours ago'],
  [-86_400, 'yesterday'],
  [2 * 86_400 + 5, 'in 2 days'],
  [-400 * 86_400, 'last year'],
])('%s seconds from now', (seconds, text) => {
  expect(ago(seconds * 1000, 0)).toBe(text);
});
