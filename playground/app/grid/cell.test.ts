import { expect, test } from 'vitest';
import { cellText, columnWidth, isNumeric } from './cell';

test.each([
  [null, 'null', 'null'],
  [undefined, 'null', 'null'],
  ['', 'empty', 'empty'],
  ['null', 'null', 'text'],
  ['<script>', '<script>', 'text'],
  ['1234.50', '1234.50', 'text'],
  [0, '0', 'text'],
  [false, 'false', 'text'],
  [[1, 'a'], '[1,"a"]', 'text'],
  [{ a: null }, '{"a":null}', 'text'],
])('%j', (value, text, kind) => {
  expect(cellText(value)).toEqual({ text, kind });
});

test('numbers only are numeric', () => {
  expect(isNumeric([1, null, 2.5])).toBe(true);
  expect(isNumeric([1, '2'])).toBe(false);
  expect(isNumeric([null])).toBe(false);
});

test('widths have bounds', () => {
  expect(columnWidth('id', 110)).toBe(110);
  expect(columnWidth('x'.repeat(200), 110)).toBe(340);
});
