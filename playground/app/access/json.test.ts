import { expect, test } from 'vitest';
import { endOf } from './expiry';
import { readObject, strangersIn } from './json';

test.each([
  ['', null, null],
  ['  ', null, null],
  ['{"a":1}', { a: 1 }, null],
  ['[1]', null, 'It must be an object'],
  ['"x"', null, 'It must be an object'],
  ['{', null, 'This is not JSON'],
])('%j', (text, value, problem) => {
  const read = readObject(text);
  expect(read.value).toEqual(value);
  if (problem === null) expect(read.problem).toBeNull();
  else expect(read.problem).toContain(problem);
});

test('names that a filter may not have are found at any depth', () => {
  const fields = ['team', 'total', 'customer'];
  const strangers = (filter: object) => strangersIn(filter as Record<string, unknown>, fields);
  expect(strangers({ team: { _eq: '$claims.team' } })).toEqual([]);
  expect(strangers({ _or: [{ Team: { _eq: 1 } }, { _not: { nothing: {} } }] })).toEqual([
    'Team (did you mean team?)',
    'nothing',
  ]);
  expect(strangers({ team: 'north' })).toEqual([
    'team needs an operator, such as { "_eq": "north" }',
  ]);
  expect(strangers({ total: { _gt: 1, _more: 2 } })).toEqual(['total._more']);
  expect(strangers({ customer: { country: { _eq: 'PT' } } })).toEqual([]);
});

test('a key ends when its owner said', () => {
  expect(endOf('ever', '', 0)).toBeNull();
  expect(endOf('week', '', 0)).toBe('1970-01-08T00:00:00.000Z');
  expect(endOf('date', 'nonsense', 0)).toBeNull();
  expect(endOf('date', '2030-01-31', 0)).toContain('2030-01-31');
});
