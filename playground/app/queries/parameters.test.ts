import { expect, test } from 'vitest';
import { addressOf, controlOf, hintOf, parametersOf, type Variable } from './parameters';

function variable(name: string, type: string, more: Partial<Variable> = {}): Variable {
  return { name, type, required: type.endsWith('!'), default: null, ...more };
}

test.each([
  ['String!', 'line'],
  ['Decimal', 'line'],
  ['Boolean!', 'choice'],
  ['[String!]', 'lines'],
  ['JSON', 'lines'],
  ['OrdersBoolExp', 'lines'],
])('%s is asked for as %s', (type, control) => {
  expect(controlOf(variable('x', type))).toBe(control);
});

test('an empty field tells what holds then', () => {
  expect(hintOf(variable('x', 'Decimal', { default: 0 }))).toBe('0 when left empty');
  expect(hintOf(variable('x', 'String', { default: 'a' }))).toBe('a when left empty');
  expect(hintOf(variable('x', 'Date!'))).toBe('2026-01-31');
  expect(hintOf(variable('x', '[Int!]'))).toContain('One a line');
  expect(hintOf(variable('x', 'Int'))).toBe('');
});

test('what is left empty is left out, but for a text that has to be given', () => {
  const variables = [
    variable('a', 'String'),
    variable('b', 'String!'),
    variable('c', 'Int!'),
    variable('d', 'Int'),
  ];
  expect(parametersOf(variables, { d: '0' })).toEqual([
    ['b', ''],
    ['d', '0'],
  ]);
});

test('a list is a parameter for each item, or JSON', () => {
  const list = [variable('state', '[String!]')];
  expect(parametersOf(list, { state: 'open\n\n paid \n' })).toEqual([
    ['state', 'open'],
    ['state', 'paid'],
  ]);
  expect(parametersOf(list, { state: '["a\\nb",\n"c"]' })).toEqual([['state', '["a\\nb",\n"c"]']]);
});

test('an address carries every character', () => {
  const query = { path: '/q/a', variables: [variable('x', 'String'), variable('y', 'Int')] };
  expect(addressOf(query, {}, '.csv')).toBe('/q/a.csv');
  const address = addressOf(query, { x: 'a&b=ü +', y: '2' }, '.xlsx');
  expect(address).toBe('/q/a.xlsx?x=a%26b%3D%C3%BC+%2B&y=2');
});
