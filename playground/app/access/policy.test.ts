import { expect, test } from 'vitest';
import { draftOf, fieldOfProblem, problemsOf, variablesOf } from './policy';

const draft = { ...draftOf(null, 'orders'), role: 'sales' };

test('a new policy shows all rows and columns for reading', () => {
  expect(problemsOf(draft, ['id'])).toEqual({});
  expect(variablesOf(draft)).toEqual({
    dataset: 'orders',
    role: 'sales',
    filter: null,
    check: null,
    columns: null,
    masks: [],
    operations: ['SELECT', 'AGGREGATE'],
    maxRows: null,
  });
});

test('a mistake is told at its field', () => {
  const wrong = { ...draft, role: 'a b', filter: '{"nam":{"_eq":1}}', check: '{', maxRows: '0' };
  const problems = problemsOf(wrong, ['id', 'name']);
  expect(Object.keys(problems).sort()).toEqual(['check', 'filter', 'maxRows', 'role']);
  expect(problems.filter).toContain('nam');
});

test('a sentence of the server finds its field', () => {
  expect(fieldOfProblem('maxRows must be 1 or more', draft)).toBe('maxRows');
  expect(fieldOfProblem('The key id must be shown as it is', draft)).toBe('columns');
  expect(fieldOfProblem('Something else', { ...draft, check: '{}' })).toBe('check');
  expect(fieldOfProblem('Something else', { ...draft, filter: '{}' })).toBe('filter');
});
