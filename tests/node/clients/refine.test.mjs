// refine's Hasura provider with the graphql-default naming, as it is published.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import hasura, { GraphQLClient } from '@refinedev/hasura';
import { headers, url } from './server.mjs';

const client = new GraphQLClient(url, { headers });
const provider = hasura(client, { namingConvention: 'graphql-default', idType: 'Int' });
const fields = ['id', 'status', 'total', { buyer: ['name'] }];

test('a list is filtered, sorted and cut into pages', async () => {
  const question = (currentPage) => ({
    resource: 'orders',
    pagination: { currentPage, pageSize: 5, mode: 'server' },
    sorters: [
      { field: 'total', order: 'desc' },
      { field: 'id', order: 'asc' },
    ],
    filters: [
      { field: 'status', operator: 'in', value: ['delivered', 'shipped'] },
      { field: 'quantity', operator: 'gte', value: 1 },
      {
        operator: 'or',
        value: [
          { field: 'country', operator: 'contains', value: 'C' },
          { field: 'country', operator: 'ne', value: 'CH' },
        ],
      },
      { field: 'buyer.name', operator: 'nnull', value: true },
    ],
    meta: { fields },
  });
  const first = await provider.getList(question(1));
  const second = await provider.getList(question(2));
  assert.equal(first.data.length, 5);
  assert.ok(first.total > 5);
  const rows = [...first.data, ...second.data];
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
  assert.ok(rows.every((row) => ['delivered', 'shipped'].includes(row.status)));
  const totals = rows.map((row) => Number(row.total));
  assert.deepEqual(totals, totals.toSorted((a, b) => b - a));
});

test('rows are found by their keys', async () => {
  const one = await provider.getOne({ resource: 'orders', id: 3, meta: { fields } });
  assert.equal(one.data.id, 3);
  const many = await provider.getMany({ resource: 'orders', ids: [2, 4], meta: { fields } });
  assert.deepEqual(many.data.map((row) => row.id).toSorted(), [2, 4]);
});
