// graphql-ws and graphql-sse: live queries, jobs, errors, queries and an orderly end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient as createSocket } from 'graphql-ws';
import { createClient as createEvents } from 'graphql-sse';
import { liveProvider } from '@refinedev/hasura';
import { parse } from 'graphql';
import WebSocket from 'ws';
import { ask, base, headers, url } from './server.mjs';

const ROWS = (n) => `id,name\n${Array.from({ length: n }, (_, at) => `${at},row ${at}\n`).join('')}`;

/** Loads a dataset anew. */
async function load(name, n) {
  const response = await fetch(`${base}/upload/${name}?wait=60`, {
    method: 'PUT',
    headers,
    body: ROWS(n),
  });
  assert.equal(response.status, 200);
  return (await response.json()).job.id;
}

const clients = {
  'graphql-ws': () =>
    createSocket({
      url: url.replace('http', 'ws'),
      connectionParams: headers,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    }),
  'graphql-sse': () => createEvents({ url, headers, retryAttempts: 0 }),
};

for (const [name, create] of Object.entries(clients)) {
  test(`${name}: a live query follows the data`, async () => {
    const dataset = name === 'graphql-ws' ? 'liveSocket' : 'liveEvents';
    await load(dataset, 1);
    const client = create();
    const query = `subscription { ${dataset}Aggregate { aggregate { count } } }`;
    const counts = [];
    for await (const { data, errors } of client.iterate({ query })) {
      assert.equal(errors, undefined);
      counts.push(data[`${dataset}Aggregate`].aggregate.count);
      if (counts.length === 3) break;
      await load(dataset, counts.length + 1);
    }
    assert.deepEqual(counts, [1, 2, 3]);
    client.dispose();
  });

  test(`${name}: a job is followed to its end, and queries are answered`, async () => {
    const client = create();
    const variables = { id: await load('liveJob', 5) };
    const query = 'subscription ($id: ID!) { job(id: $id) { status } }';
    const told = [];
    for await (const { data } of client.iterate({ query, variables })) told.push(data.job.status);
    assert.equal(told.at(-1), 'SUCCEEDED');
    const once = [];
    const count = 'query Count { liveJobAggregate { aggregate { count } } }';
    for await (const { data } of client.iterate({ query: count })) once.push(data);
    assert.deepEqual(once, [await ask(count)]);
    client.dispose();
  });

  test(`${name}: what is wrong is told`, async () => {
    const client = create();
    const codes = [];
    try {
      for await (const { errors } of client.iterate({ query: 'subscription { nothing }' })) {
        codes.push(...errors.map((error) => error.extensions.code));
      }
    } catch (errors) {
      codes.push(...errors.map((error) => error.extensions.code));
    }
    assert.deepEqual(codes, ['BAD_USER_INPUT']);
    client.dispose();
  });
}

test('graphql-ws: a wrong key is refused', async () => {
  const client = createSocket({
    url: url.replace('http', 'ws'),
    connectionParams: { authorization: 'Bearer wrong' },
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const told = client.iterate({ query: '{ __typename }' }).next();
  await assert.rejects(told, (event) => event.code === 4403);
});

// As published, it writes filters and orders of live lists in Hasura's other naming only: the list
// here has none, and the condition of several rows is given.
test('refine: its live provider is told of changes', async () => {
  await load('liveRefine', 3);
  const client = clients['graphql-ws']();
  const live = liveProvider(client, { namingConvention: 'graphql-default', idType: 'Int' });
  const fields = ['id', 'name'];
  const where = { type: 'LiveRefineBoolExp', value: { id: { _in: [1, 3] } } };
  const questions = {
    useList: { pagination: { currentPage: 2, pageSize: 2, mode: 'server' }, meta: { fields } },
    useOne: { id: 3, meta: { gqlQuery: parse('query { liveRefineByPk(id: 0) { id name } }') } },
    useMany: { ids: [1, 3], meta: { fields, variables: { where } } },
  };
  const told = {};
  for (const [subscriptionType, question] of Object.entries(questions)) {
    told[subscriptionType] = [];
    live.subscribe({
      channel: 'liveRefine',
      types: ['*'],
      params: { resource: 'liveRefine', subscriptionType, ...question },
      callback: (rows) => told[subscriptionType].push(rows),
    });
  }
  const ids = (rows) => (Array.isArray(rows) ? rows : [rows]).map((row) => row?.id ?? null);
  const until = async (expect) => {
    for (let n = 0; n < 600; n += 1) {
      const last = Object.values(told).map((all) => (all.length ? ids(all.at(-1)) : 'nothing'));
      if (JSON.stringify(last) === JSON.stringify(expect)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(told, expect);
  };
  await until([[2], [null], [1]]);
  await load('liveRefine', 4);
  await until([[2, 3], [3], [1, 3]]);
  client.dispose();
});
