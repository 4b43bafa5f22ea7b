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
