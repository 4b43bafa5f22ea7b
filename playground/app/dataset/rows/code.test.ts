import { expect, test } from 'vitest';
import { codeOf, LANGUAGES } from './code';

const DOCUMENT = `query OrdersView {
  orders(where: { note: { _eq: "it's \`a\` \\"b\\" \${c}\\\\n" } }) {
    id
  }
}
`;
const URL = 'http://127.0.0.1:8080/graphql';

test.each(LANGUAGES)('%s names the address and no key', (language) => {
  const code = codeOf(language, DOCUMENT, URL);
  if (language !== 'GraphQL') {
    expect(code).toContain(URL);
    expect(code).toContain('YOUR_KEY');
  }
});

test('fetch carries the very document', async () => {
  const sent: unknown[] = [];
  const fetch = (_url: string, init: { body: string }) => {
    sent.push(JSON.parse(init.body));
    return Promise.resolve({ json: () => Promise.resolve({ data: 1 }) });
  };
  const code = codeOf('fetch', DOCUMENT, URL);
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- our own code, in a test
  const run = new Function('fetch', 'console', `return (async () => { ${code} })()`) as (
    ...parameters: unknown[]
  ) => Promise<void>;
  await run(fetch, { log: () => undefined });
  const { query } = sent[0] as { query: string };
  expect(query.replaceAll(/\s+/g, ' ').trim()).toBe(DOCUMENT.replaceAll(/\s+/g, ' ').trim());
});

test('curl sends JSON past the quotes of the shell', () => {
  const code = codeOf('curl', DOCUMENT, URL);
  const body = code.split('\n').find((line) => line.startsWith('{'));
  expect((JSON.parse(body ?? '') as { query: string }).query).toBe(DOCUMENT.trimEnd());
});
