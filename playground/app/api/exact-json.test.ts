import { expect, test } from 'vitest';
import { isRawNumber, parseExactly } from './exact-json';

test.each([
  '{"a":12345678901234567890,"b":[1.0,0.1,-0,1e2]}',
  '{"deep":{"x":0.1000000000000000055511151231257827}}',
  '[null,true,"1.0",7,-3.5]',
])('%s is written as it came', (text) => {
  // Node has it from 22 on.
  if (!('rawJSON' in JSON)) return;
  expect(JSON.stringify(parseExactly(text))).toBe(text);
});

test('a number that JavaScript holds is one', () => {
  expect(parseExactly('[7, 0.25]')).toEqual([7, 0.25]);
  expect(isRawNumber(7)).toBe(false);
  expect(isRawNumber({ a: 1 })).toBe(false);
});
