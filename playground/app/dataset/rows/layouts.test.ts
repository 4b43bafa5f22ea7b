import { expect, test } from 'vitest';
import { isPlain, readLayout } from './layouts';

test('what was kept comes back, what makes no sense does not', () => {
  const layout = { order: ['b', 'a'], pinned: ['a'], hidden: [], widths: { a: 120 } };
  expect(readLayout(JSON.stringify(layout))).toEqual(layout);
  expect(isPlain(readLayout(null))).toBe(true);
  expect(isPlain(readLayout('{'))).toBe(true);
  expect(isPlain(readLayout('7'))).toBe(true);
  expect(readLayout('{"order":[1,"a"],"widths":{"a":"x","b":3}}')).toMatchObject({
    order: ['a'],
    widths: { b: 3 },
  });
});
