import { expect, test } from 'vitest';
import { curlFor, linkTo, queryInFragment } from './share';

const document = 'query A {\n  orders(where: {note: {_eq: "50% & #1 +ä"}}) { id }\n}\n';

test.each([{ document }, { document, variables: '{\n  "a": "x&query=y#"\n}' }])(
  'a query comes back out of its link',
  (query) => {
    const link = new URL(linkTo('http://localhost:8080', query));
    expect(link.pathname).toBe('/graphiql');
    expect(link.search).toBe('');
    expect(queryInFragment(link.hash)).toEqual(query);
  },
);

test('variables that hold nothing are left out', () => {
  expect(linkTo('', { document: 'a', variables: ' {} ' })).toBe('/graphiql#query=a');
});

test.each(['', '#', '#query=', '#key=abc', '#query=%E0%A4%A', '#variables=a'])(
  '%j holds no query',
  (fragment) => {
    expect(queryInFragment(fragment)).toBeNull();
  },
);

test('a command is safe for the shell and has no key', () => {
  const query = `{ orders(where: {note: {_eq: "it's $HOME \`x\`"}}) { id } }`;
  expect(curlFor('http://localhost:8080', { query })).toBe(
    `curl 'http://localhost:8080/graphql' \\
  -H "Authorization: Bearer $SLUICE_KEY" \\
  -H 'Content-Type: application/json' \\
  --data-raw '{"query":"{ orders(where: {note: {_eq: \\"it'\\''s $HOME \`x\`\\"}}) { id } }"}'`,
  );
});
