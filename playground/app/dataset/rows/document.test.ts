import { parse, print } from 'graphql';
import { expect, test } from 'vitest';
import {
  countQuery,
  cursorQuery,
  documentOf,
  groupQuery,
  offsetQuery,
  pageQuery,
  selectColumn,
  viewVariables,
  type RowsView,
} from './document';

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

const PLAIN: RowsView = { fields: ['id'], where: null, sorts: [], search: '', asOf: undefined };
const FULL: RowsView = {
  fields: ['id', 'note'],
  where: { _and: [{ note: { _eq: 'a "b"\n\\' } }, { id: { _in: [1, 2] } }] },
  sorts: [
    { column: 'id', direction: 'DESC' },
    { column: 'note', direction: 'ASC' },
  ],
  search: 'blue',
  asOf: 3,
};

test('the view as a document', () => {
  const document = documentOf(ORDERS, { ...FULL, limit: 100 });
  expect(document).toBe(`query OrdersView {
  orders(
    search: "blue"
    where: { _and: [{ note: { _eq: "a \\"b\\"\\n\\\\" } }, { id: { _in: [1, 2] } }] }
    orderBy: [{ id: DESC }, { note: ASC }]
    asOf: 3
    limit: 100
  ) {
    id
    note
  }
}
`);
  expect(print(parse(document))).toContain('orderBy: [{id: DESC}, {note: ASC}]');
});

test('every document parses', () => {
  for (const view of [PLAIN, FULL]) {
    for (const document of [
      documentOf(ORDERS, { ...view, limit: 1 }),
      pageQuery(ORDERS, view),
      offsetQuery(ORDERS, view, ['id', 'note']),
      cursorQuery(ORDERS, view),
      countQuery(ORDERS, view),
      groupQuery(ORDERS, view, 'note'),
    ]) {
      expect(() => parse(document)).not.toThrow();
    }
  }
});

test('only what a view has is an argument', () => {
  expect(pageQuery(ORDERS, PLAIN)).not.toMatch(/search|asOf/);
  expect(viewVariables(PLAIN)).toEqual({ where: null, orderBy: [] });
  expect(cursorQuery(ORDERS, FULL)).not.toContain('search');
  expect(countQuery(ORDERS, FULL)).not.toContain('orderBy');
});

test.each([
  ['id', 'ID'],
  ['orderDate', 'ORDER_DATE'],
  ['aB2C', 'A_B2_C'],
  ['urlID', 'URL_I_D'],
])('%s is %s', (field, word) => {
  expect(selectColumn(field)).toBe(word);
});
