// Relay: its compiler takes our schema, a pagination fragment and a refetchable node, and the
// queries that it makes are answered.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ask, sdl } from './server.mjs';

const SOURCE = `
import { graphql } from 'relay-runtime';

graphql\`
  query appQuery($count: Int!, $cursor: String) {
    ...app_orders @arguments(count: $count, cursor: $cursor)
  }
\`;
graphql\`
  fragment app_orders on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 4 }, cursor: { type: "String" })
  @refetchable(queryName: "appOrdersPageQuery") {
    ordersConnection(first: $count, after: $cursor, orderBy: [{ total: DESC }])
      @connection(key: "app_ordersConnection") {
      edges { node { id ...app_order } }
    }
  }
\`;
graphql\`
  fragment app_order on Orders @refetchable(queryName: "appOrderRefetchQuery") {
    total
    buyer { name }
  }
\`;
`;

async function compile(schema) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-relay-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'schema.graphql'), schema);
    writeFileSync(join(folder, 'src/app.js'), SOURCE);
    const schemaConfig = { nodeInterfaceIdField: 'nodeId', nodeInterfaceIdVariableName: 'nodeId' };
    const config = {
      src: './src',
      schema: './schema.graphql',
      language: 'javascript',
      eagerEsModules: true,
      schemaConfig,
    };
    writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(config));
    const compiler = fileURLToPath(new URL('../node_modules/relay-compiler/cli.js', import.meta.url));
    const arguments_ = [compiler, 'relay.config.json'];
    await promisify(execFile)(process.execPath, arguments_, { cwd: folder });
    const text = (name) => {
      const artifact = readFileSync(join(folder, `src/__generated__/${name}.graphql.js`), 'utf8');
      return JSON.parse(artifact.match(/"text": (".*")/)[1]);
    };
    return { page: text('appOrdersPageQuery'), refetch: text('appOrderRefetchQuery') };
  } catch (error) {
    throw new Error(`${error.message}\n${error.stdout ?? ''}\n${error.stderr ?? ''}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('compiled queries are answered', async () => {
  const { page, refetch } = await compile(await sdl());
  const seen = [];
  let cursor = null;
  for (;;) {
    const { ordersConnection } = await ask(page, { count: 9, cursor });
    seen.push(...ordersConnection.edges.map((edge) => edge.node));
    if (!ordersConnection.pageInfo.hasNextPage) break;
    cursor = ordersConnection.pageInfo.endCursor;
  }
  assert.equal(new Set(seen.map((node) => node.nodeId)).size, seen.length);
  const { ordersAggregate } = await ask('{ ordersAggregate { aggregate { count } } }');
  assert.equal(seen.length, ordersAggregate.aggregate.count);
  const [first] = seen;
  const { node } = await ask(refetch, { nodeId: first.nodeId });
  assert.equal(node.nodeId, first.nodeId);
  assert.equal(node.total, first.total);
});
