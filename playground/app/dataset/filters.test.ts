import { expect, test } from 'vitest';
import type { ColumnType } from '../api/catalog';
import {
  listText,
  operatorsFor,
  parseList,
  parseValue,
  whereOf,
  wordsOf,
  type Operator,
} from './filters';

test.each<[ColumnType, Operator, string, unknown]>([
  ['INT', '_eq', ' 42 ', 42],
  ['INT', '_eq', '-2147483648', -2147483648],
  ['BIGINT', '_eq', '9007199254740993', '9007199254740993'],
  ['DECIMAL', '_gt', '12.50', '12.50'],
  ['FLOAT', '_gt', '1e-3', 0.001],
  ['BOOLEAN', '_eq', 'false', false],
  ['DATE', '_lt', '2024-12-31', '2024-12-31'],
  ['STRING', '_eq', ' spaces stay ', ' spaces stay '],
  ['STRING', '_eq', '', ''],
  ['STRING', '_in', 'a, b', ['a', 'b']],
  ['INT', '_in', '1,2', [1, 2]],
  ['STRING', '_nin', '"a, b", c', ['a, b', 'c']],
  ['JSON', '_contains', '{"a": 1}', { a: 1 }],
  ['JSON', '_hasKey', 'a', 'a'],
])('%s %s %j', (type, operator, text, value) => {
  expect(parseValue(type, operator, text)).toEqual({ value });
});

test.each<[ColumnType, string]>([
  ['INT', '2147483648'],
  ['INT', '1.5'],
  ['INT', ''],
  ['FLOAT', 'x'],
  ['FLOAT', ''],
  ['DECIMAL', '1,5'],
  ['BIGINT', '1.0'],
  ['BOOLEAN', 'yes'],
  ['DATE', '31.12.2024'],
])('%s refuses %j', (type, text) => {
  expect(parseValue(type, '_eq', text)).toHaveProperty('problem');
});

test('conditions become one where', () => {
  const typeOf = (column: string): ColumnType | undefined =>
    (({ total: 'DECIMAL', note: 'STRING' }) as const)[column];
  const total = { column: 'total', operator: '_gt', value: '5' } as const;
  const note = { column: 'note', operator: 'isNull', value: '' } as const;
  const gone = { column: 'gone', operator: '_eq', value: '1' } as const;
  expect(whereOf([], typeOf)).toBeNull();
  expect(whereOf([gone], typeOf)).toBeNull();
  expect(whereOf([total, gone], typeOf)).toEqual({ total: { _gt: '5' } });
  expect(whereOf([total, note], typeOf)).toEqual({
    _and: [{ total: { _gt: '5' } }, { note: { _isNull: true } }],
  });
});

test('every type can be asked for nulls', () => {
  const types: ColumnType[] = ['BOOLEAN', 'INT', 'DATE', 'JSON', 'STRING', 'UUID', 'DATE_TIME'];
  for (const type of types) expect(operatorsFor(type)).toContain('isNull');
});

test.each([[['a', 'b']], [['a, b', 'say "x"', '', ' ']], [['ü']], [[]]])('list %j', (items) => {
  expect(parseList(listText(items))).toEqual(items);
});

test('dates come before and after', () => {
  expect(wordsOf('_lt', 'DATE')).toBe('before');
  expect(wordsOf('_lt', 'INT')).toBe('less than');
  expect(wordsOf('_eq', 'DATE')).toBe('is');
});
