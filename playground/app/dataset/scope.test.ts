import { expect, test } from 'vitest';
import { includes } from './scope';

test.each([
  ['READ', 'READ', true],
  ['READ', 'WRITE', false],
  ['WRITE', 'UPLOAD', false],
  ['UPLOAD', 'WRITE', true],
  ['ADMIN', 'ADMIN', true],
  [null, 'READ', false],
] as const)('%s includes %s: %s', (scope, needed, expected) => {
  expect(includes(scope, needed)).toBe(expected);
});
