import { parse, print } from 'graphql';
import { expect, test } from 'vitest';
import { countQuery, documentOf, pageQuery } from './document';

const ORDERS = {
  name: 'orders',
  label: 'orders.csv',
  listField: 'orders',
  typeName: 'Orders',
  rowCount: '1',
  status: 'READY' as const,
  version: 1,
  columns: [],
};

test('the view as a document', () => {
  const document = documentOf(ORDERS, {
    fields: ['id', 'note'],
    where: { _and: [{ note: { _eq: 'a "b"\n\\' } }, { id: { _in: [1, 2] } }] },
    sort: { column: 'id', direction: 'DESC' },
    limit: 100,
  });
  expect(document).toBe(`query OrdersView {
  orders(
    where: { _and: [{ note: { _eq: "a \\"b\\"\\n\\\\" } }, { id: { _in: [1, 2] } }] }
    orderBy: [{ id: DESC }]
    limit: 100
  ) {
    id
    note
  }
}
`);
  expect(print(parse(document))).toContain('orderBy: [{id: DESC}]');
});

test('every document parses', () => {
  const bare = { fields: ['id'], where: null, sort: undefined, limit: 10 };
  for (const document of [
    documentOf(ORDERS, bare),
    pageQuery(ORDERS, ['id', 'note']),
    countQuery(ORDERS),
  ]) {
    expect(() => parse(document)).not.toThrow();
  }
});
