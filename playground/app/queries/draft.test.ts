import { expect, test } from 'vitest';
import { draftOf, fieldOfProblem, nameIn, problemsOf, variablesOf } from './draft';
import { queriesFound, readQueriesSearch } from './search';

const draft = { ...draftOf(undefined), name: 'open_orders', document: '{ orders { id } }' };

test('what is left empty is not set, and protection is', () => {
  expect(problemsOf(draft)).toEqual({});
  expect(variablesOf(draft)).toEqual({
    name: 'open_orders',
    document: '{ orders { id } }',
    description: null,
    maxAge: null,
    requestsPerMinute: null,
    protected: true,
  });
  expect(variablesOf({ ...draft, maxAge: '0', requestsPerMinute: ' 60 ' })).toMatchObject({
    maxAge: 0,
    requestsPerMinute: 60,
  });
});

test.each(['', '1st', '_a', 'a b', 'a.csv', 'ä', 'a'.repeat(101)])('%s is no name', (name) => {
  expect(Object.keys(problemsOf({ ...draft, name }))).toEqual(['name']);
});

test('a mistake is told at its field', () => {
  const wrong = { ...draft, document: ' ', maxAge: '-1', requestsPerMinute: '0' };
  expect(Object.keys(problemsOf(wrong))).toEqual(['document', 'maxAge', 'requestsPerMinute']);
});

test.each([
  ["A saved query's name has 1 to 100 letters, digits, '_' and '-', a letter first.", 'name'],
  ['maxAge must be from 0 to 31536000.', 'maxAge'],
  ['requestsPerMinute must be from 1 to 1000000.', 'requestsPerMinute'],
  ['The description has more than 1000 bytes, the limit.', 'description'],
  ['The document cannot be run: Unknown field "a" on type "Query".', 'document'],
  ['Only a query can be saved, no mutation or subscription.', 'document'],
  ['Something else', null],
])('%s finds its field', (message, field) => {
  expect(fieldOfProblem(message)).toBe(field);
});

test('a query that has a name suggests it', () => {
  expect(nameIn('# Open ones\nquery OpenOrders($least: Decimal) { orders { id } }')).toBe(
    'OpenOrders',
  );
  expect(nameIn('{ orders { id } }')).toBe('');
});

test('saved queries are found by words', () => {
  const queries = [
    { name: 'open_orders', description: 'What is to be sent' },
    { name: 'revenue', description: null },
  ];
  const found = (words: string) => queriesFound(queries, words).map(({ name }) => name);
  expect(found('')).toEqual(['open_orders', 'revenue']);
  expect(found('SENT open')).toEqual(['open_orders']);
  expect(found('revenue sent')).toEqual([]);
  expect(readQueriesSearch({ q: 7 })).toEqual({ q: '7' });
  expect(readQueriesSearch({ q: '' })).toEqual({});
});
