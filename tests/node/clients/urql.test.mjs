// urql: queries with variables, cursors, codes of errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import { headers, url } from './server.mjs';

const urql = new Client({
  url,
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: { headers },
  preferGetMethod: false,
});

const PAGE = gql`
  query Page($last: Int, $before: String, $where: OrdersBoolExp) {
    ordersConnection(last: $last, before: $before, where: $where) {
      nodes {
        id
        status
      }
      pageInfo {
        hasPreviousPage
        startCursor
      }
    }
  }
`;

test('pages are read from the end', async () => {
  const where = { status: { _neq: 'cancelled' } };
  const ids = [];
  let before = null;
  for (;;) {
    const { data, error } = await urql.query(PAGE, { last: 5, before, where }).toPromise();
    assert.equal(error, undefined);
    const { nodes, pageInfo } = data.ordersConnection;
    ids.unshift(...nodes.map((node) => node.id));
    if (!pageInfo.hasPreviousPage) break;
    before = pageInfo.startCursor;
  }
  const whole = gql`
    query ($where: OrdersBoolExp) {
      orders(where: $where, limit: 1000) {
        id
      }
    }
  `;
  const { data } = await urql.query(whole, { where }).toPromise();
  assert.deepEqual(ids, data.orders.map((order) => order.id));
});

test('errors have codes', async () => {
  const { data, error } = await urql.query(PAGE, { last: -1 }).toPromise();
  assert.equal(data ?? null, null);
  assert.equal(error.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
});
