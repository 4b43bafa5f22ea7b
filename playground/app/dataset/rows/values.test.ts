import { expect, test } from 'vitest';
import type { ColumnType } from '../../api/catalog';
import { editText, isSameValue, longText, parseCell, parsePasted } from './values';

test.each<[ColumnType, string, unknown]>([
  ['STRING', '', ''],
  ['STRING', ' as it is ', ' as it is '],
  ['INT', '', null],
  ['INT', ' 7 ', 7],
  ['BIGINT', '9007199254740993', '9007199254740993'],
  ['DECIMAL', '12.50', '12.50'],
  ['BOOLEAN', 'TRUE', true],
  ['BOOLEAN', '', null],
  ['JSON', '{"a": [1]}', { a: [1] }],
  ['JSON', '', null],
  ['DATE_TIME', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z'],
])('%s %j', (type, text, value) => {
  expect(parseCell(type, text)).toEqual({ value });
});

test.each<[ColumnType, string]>([
  ['INT', 'x'],
  ['JSON', '{a}'],
  ['BOOLEAN', 'maybe'],
  ['DATE', '1.1.2024'],
])('%s refuses %j', (type, text) => {
  expect(parseCell(type, text)).toHaveProperty('problem');
});

test('null and empty text are told apart on the clipboard', () => {
  expect(parsePasted('STRING', { text: '', isQuoted: false })).toEqual({ value: null });
  expect(parsePasted('STRING', { text: '', isQuoted: true })).toEqual({ value: '' });
  expect(parsePasted('INT', { text: '5', isQuoted: false })).toEqual({ value: 5 });
});

test('values as text', () => {
  expect(editText(null)).toBe('');
  expect(editText('x')).toBe('x');
  expect(editText(1.5)).toBe('1.5');
  expect(editText({ a: 1 })).toBe('{"a":1}');
  expect(longText('JSON', { a: 1 })).toBe('{\n  "a": 1\n}');
  expect(longText('JSON', null)).toBe('');
});

test('the same value', () => {
  expect(isSameValue(undefined, null)).toBe(true);
  expect(isSameValue({ a: 1 }, { a: 1 })).toBe(true);
  expect(isSameValue('', null)).toBe(false);
});

test('long numbers in JSON keep their digits', (context) => {
  if (!('rawJSON' in JSON)) context.skip();
  const parsed = parseCell('JSON', '{"n": 12345678901234567890}');
  expect('value' in parsed && editText(parsed.value)).toBe('{"n":12345678901234567890}');
});
