/** A query of the view in the languages that clients speak. The key never stands in any of them. */
export const LANGUAGES = ['GraphQL', 'curl', 'fetch', 'Apollo', 'urql', 'Python'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = 'YOUR_KEY';

export function codeOf(language: Language, document: string, url: string): string {
  const text = document.trimEnd();
  switch (language) {
    case 'GraphQL':
      return `${text}\n`;
    case 'curl':
      return `curl ${url} \\
  -H 'authorization: Bearer ${KEY}' \\
  -H 'content-type: application/json' \\
  --data-binary @- <<'JSON'
${JSON.stringify({ query: text })}
JSON
`;
    case 'fetch':
      return `const response = await fetch('${url}', {
  method: 'POST',
  headers: {
    authorization: 'Bearer ${KEY}',
    'content-type': 'application/json',
  },
  body: JSON.stringify({ query: \`
${indented(template(text), 4)}
  \` }),
});
const { data, errors } = await response.json();
if (errors) throw new Error(errors[0].message);
console.log(data);
`;
    case 'Apollo':
      return `import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({
    uri: '${url}',
    headers: { authorization: 'Bearer ${KEY}' },
  }),
});

const { data } = await client.query({
  query: gql\`
${indented(template(text), 4)}
  \`,
});
console.log(data);
`;
    case 'urql':
      return `import { Client, fetchExchange, gql } from '@urql/core';

const client = new Client({
  url: '${url}',
  exchanges: [fetchExchange],
  preferGetMethod: false,
  fetchOptions: { headers: { authorization: 'Bearer ${KEY}' } },
});

const { data, error } = await client.query(gql\`
${indented(template(text), 2)}
\`, {});
if (error) throw error;
console.log(data);
`;
    case 'Python':
      return `import json
import urllib.request

query = ${pythonText(text)}
request = urllib.request.Request(
    "${url}",
    data=json.dumps({"query": query}).encode(),
    headers={"authorization": "Bearer ${KEY}", "content-type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)
if answer.get("errors"):
    raise SystemExit(answer["errors"][0]["message"])
print(answer["data"])
`;
  }
}

/** For a template literal of JavaScript. */
function template(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
}

/** A text of several lines, whatever stands in it. */
function pythonText(text: string): string {
  return `"""\\\n${text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"')}\n"""`;
}

function indented(text: string, by: number): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(by));
}
