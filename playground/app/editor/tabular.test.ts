import { expect, test } from 'vitest';
import { tablesIn } from './tabular';

test('a list is a table, an object a table of one row', () => {
  expect(
    tablesIn({
      orders: [{ id: 1, note: null }, { id: 2 }],
      ordersAggregate: { aggregate: { count: 2, sum: { total: '3.10' } } },
    }),
  ).toEqual([
    { name: 'orders', columns: ['id', 'note'], rows: [{ id: 1, note: null }, { id: 2 }] },
    {
      name: 'ordersAggregate',
      columns: ['aggregate.count', 'aggregate.sum.total'],
      rows: [{ 'aggregate.count': 2, 'aggregate.sum.total': '3.10' }],
    },
  ]);
});

test('a connection is the table of its edges', () => {
  const answer = {
    ordersConnection: {
      totalCount: 9,
      edges: [{ cursor: 'x', node: { id: 1, customer: { name: 'Ada' }, tags: ['a', 'b'] } }],
    },
  };
  expect(tablesIn(answer)).toEqual([
    {
      name: 'ordersConnection.edges',
      columns: ['cursor', 'node.id', 'node.customer.name', 'node.tags'],
      rows: [{ cursor: 'x', 'node.id': 1, 'node.customer.name': 'Ada', 'node.tags': ['a', 'b'] }],
    },
  ]);
});

test('what holds no rows is no table', () => {
  for (const data of [null, undefined, {}, { __typename: 'Query' }, { orders: [] }, { ids: [1] }]) {
    expect(tablesIn(data)).toEqual([]);
  }
});

test('lists of rows in rows are tables, too, and say whose they are', () => {
  const customers = [
    {
      id: 7,
      orders: [
        { id: 1, lines: [{ sku: 'a' }] },
        { id: 2, lines: [] },
      ],
    },
    { id: 8, orders: [] },
    { id: 9, orders: [{ id: 3, lines: [{ sku: 'b' }, { sku: 'c' }] }] },
  ];
  const tables = tablesIn({ customers });
  expect(tables.map(({ name }) => name)).toEqual([
    'customers',
    'customers.orders',
    'customers.orders.lines',
  ]);
  expect(tables[1]?.rows.map((row) => [row['customers.id'], row['id']])).toEqual([
    [7, 1],
    [7, 2],
    [9, 3],
  ]);
  expect(tables[2]?.rows).toEqual([
    { 'customers.orders.id': 1, sku: 'a' },
    { 'customers.orders.id': 3, sku: 'b' },
    { 'customers.orders.id': 3, sku: 'c' },
  ]);
});

test('rows without a key are numbered for the tables in them', () => {
  const [, inner] = tablesIn({ a: [{ b: [{ c: 1 }] }, { b: [{ c: 2 }] }] });
  expect(inner).toEqual({
    name: 'a.b',
    columns: ['a row', 'c'],
    rows: [
      { 'a row': 1, c: 1 },
      { 'a row': 2, c: 2 },
    ],
  });
});
