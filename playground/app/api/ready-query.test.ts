import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { readyQuery } from './ready-query';

const column = (name: string) =>
  ({
    name,
    label: name,
    type: 'STRING',
    graphqlType: 'String',
    nullable: true,
    required: false,
    generated: false,
  }) as const;

test('asks for the first rows with every column, id first, and for the count', () => {
  const query = readyQuery({
    listField: 'orders',
    typeName: 'Orders',
    columns: [column('customer'), column('id'), column('total')],
  });
  expect(query).toBe(`query Orders {
  orders(limit: 10) {
    id
    customer
    total
  }
  ordersAggregate {
    aggregate {
      count
    }
  }
}
`);
  expect(() => parse(query)).not.toThrow();
});

test('a dataset without an id column is still asked for its id', () => {
  const query = readyQuery({ listField: 'a', typeName: 'A', columns: [column('b')] });
  expect(query).toContain('    id\n    b\n');
});
