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

test('rows are created, changed and removed', async () => {
  const resource = 'orders';
  const created = await provider.create({
    resource,
    variables: { id: 90001, status: 'new', total: '12.50' },
    meta: { fields: ['id', 'status', 'total'] },
  });
  assert.deepEqual(created.data, { id: 90001, status: 'new', total: '12.50' });
  const several = await provider.createMany({
    resource,
    variables: [
      { id: 90002, status: 'new' },
      { id: 90003, status: 'new' },
    ],
    meta: { fields: ['status'] },
  });
  assert.deepEqual(several.data.map((row) => row.id), [90002, 90003]);
  const updated = await provider.update({
    resource,
    id: 90001,
    variables: { status: 'paid' },
    meta: { fields: ['id', 'status'] },
  });
  assert.deepEqual(updated.data, { id: 90001, status: 'paid' });
  const both = await provider.updateMany({
    resource,
    ids: [90002, 90003],
    variables: { status: 'sent' },
    meta: { fields: ['status'] },
  });
  assert.deepEqual(both.data.map((row) => row.status), ['sent', 'sent']);
  const one = await provider.deleteOne({ resource, id: 90001, meta: { fields: ['id'] } });
  assert.equal(one.data.id, 90001);
  const rest = await provider.deleteMany({ resource, ids: [90002, 90003], meta: { fields: ['status'] } });
  assert.equal(rest.data.length, 2);
  const left = await provider.getMany({ resource, ids: [90001, 90002, 90003], meta: { fields } });
  assert.deepEqual(left.data, []);
});
