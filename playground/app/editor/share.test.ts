import { expect, test } from 'vitest';
import { curlFor, documentInFragment, linkTo } from './share';

test('a document comes back out of its link', () => {
  const document = 'query A {\n  orders(where: {note: {_eq: "50% & #1 +ä"}}) { id }\n}\n';
  const link = new URL(linkTo('http://localhost:8080', document));
  expect(link.pathname).toBe('/graphiql');
  expect(documentInFragment(link.hash)).toBe(document);
});

test.each(['', '#', '#query=', '#key=abc', '#query=%E0%A4%A'])(
  '%j holds no document',
  (fragment) => {
    expect(documentInFragment(fragment)).toBeNull();
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
