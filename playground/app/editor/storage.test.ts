import { expect, test } from 'vitest';
import { withoutHeaders } from './storage';

const KEY = '{"Authorization":"Bearer secret"}';

test('headers are taken out of the history and the favourites', () => {
  const history = JSON.stringify({
    queries: [{ query: '{ a }', variables: '{}', headers: KEY, operationName: 'A' }],
  });
  for (const name of ['graphiql:queries', 'graphiql:favorites']) {
    expect(JSON.parse(withoutHeaders(name, history) ?? '')).toEqual({
      queries: [{ query: '{ a }', variables: '{}', operationName: 'A' }],
    });
  }
});

test('the headers editor is not stored, and what cannot be read neither', () => {
  expect(withoutHeaders('graphiql:headers', KEY)).toBeNull();
  expect(withoutHeaders('graphiql:queries', `{"headers": ${KEY}`)).toBeNull();
});

test('everything else is stored as it is', () => {
  expect(withoutHeaders('graphiql:query', '{ headers }')).toBe('{ headers }');
});
