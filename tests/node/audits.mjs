// Runs the GraphQL over HTTP audits of graphql-http against a running server.
//
//   node audits.mjs URL KEY
//
// Exit code 0 when every MUST and every SHOULD holds; what MAY be is only told.
import { auditServer } from 'graphql-http';

const [url, key] = process.argv.slice(2);
if (!url || !key) {
  console.error('usage: node audits.mjs URL KEY');
  process.exit(2);
}

const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });

let nFailed = 0;
const results = await auditServer({ url, fetchFn });
for (const result of results) {
  if (result.status === 'ok') continue;
  const isRequired = result.status === 'error' || result.status === 'warn';
  if (isRequired) nFailed += 1;
  console.log(`${result.status} ${result.id} ${result.name}: ${result.reason ?? ''}`);
}
console.log(`${results.length - nFailed} passed, ${nFailed} failed`);
process.exit(nFailed === 0 && results.length > 0 ? 0 : 1);
