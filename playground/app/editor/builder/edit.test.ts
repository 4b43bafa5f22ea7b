import { buildSchema, Kind, OperationTypeNode, validate, type GraphQLSchema } from 'graphql';
import { expect, test } from 'vitest';
import {
  changeField,
  newOperation,
  operationsIn,
  readDocument,
  toggled,
  withArgument,
  withOperation,
  withVariable,
  writeDocument,
  type FieldPath,
} from './edit';
import { scalarValue, withObjectField } from './values';

const schema: GraphQLSchema = buildSchema(`
  scalar Decimal
  enum Column { ID TOTAL }
  input Key { column: Column! bin: Decimal }
  input Where { total: Compare _and: [Where!] }
  input Compare { _gt: Decimal _in: [Decimal!] }
  type Customer { id: Int! name: String }
  type Orders { id: Int! total: Decimal customer: Customer }
  type Aggregate { aggregate: Counts }
  type Counts { count: Int! }
  type Group { count: Int! }
  type Query {
    orders(limit: Int, where: Where): [Orders!]!
    ordersByPk(id: Int!): Orders
    ordersAggregate: Aggregate!
    ordersGroupBy(by: [Key!]!): [Group!]!
  }
`);

function click(text: string, path: FieldPath): string {
  const document = readDocument(text);
  const root = schema.getQueryType();
  if (!document || !root) throw new Error('not readable');
  const [before] = operationsIn(document);
  const operation = before ?? newOperation(OperationTypeNode.QUERY, 'Built');
  return writeDocument(
    withOperation(document, before, changeField(operation, path, root, toggled)),
  );
}

test.each<[string, FieldPath[], string]>([
  [
    'a field of rows asks for their id',
    [['orders']],
    'query Built {\n  orders {\n    id\n  }\n}\n',
  ],
  [
    'fields stand in the order of clicks',
    [['orders'], ['orders', 'total'], ['orders', 'customer']],
    'query Built {\n  orders {\n    id\n    total\n    customer {\n      id\n    }\n  }\n}\n',
  ],
  [
    'a field deep below brings those above it',
    [['orders', 'customer', 'name']],
    'query Built {\n  orders {\n    customer {\n      name\n    }\n  }\n}\n',
  ],
  ['a second click takes it away', [['orders'], ['orders']], ''],
  [
    'what is required is given',
    [['ordersByPk'], ['ordersGroupBy'], ['ordersAggregate']],
    `query Built {
  ordersByPk(id: 1) {
    id
  }
  ordersGroupBy(by: [{ column: ID }]) {
    count
  }
  ordersAggregate {
    aggregate {
      count
    }
  }
}
`,
  ],
])('%s', (_, clicks, expected) => {
  const text = clicks.reduce((before, path) => click(before, path), '# a comment');
  expect(text.replaceAll('{column: ID}', '{ column: ID }')).toBe(expected);
  const document = readDocument(text);
  if (text !== '' && document) expect(validate(schema, document)).toEqual([]);
});

test('an argument is given, changed, made a variable, and taken away with it', () => {
  const document = readDocument('{ orders { id } }');
  const root = schema.getQueryType();
  const [operation] = document ? operationsIn(document) : [];
  if (!document || !operation || !root) throw new Error('not readable');
  const ten = { kind: Kind.INT, value: '10' } as const;
  const limited = changeField(operation, ['orders'], root, (field) =>
    field ? withArgument(field, 'limit', ten) : null,
  );
  expect(writeDocument(withOperation(document, operation, limited))).toContain('orders(limit: 10)');

  const limit = root.getFields()['orders']?.args[0];
  if (!limit) throw new Error('no argument');
  const { operation: declared, name } = withVariable(limited, 'limit', limit.type, ten);
  const variable = { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } } as const;
  const asked = changeField(declared, ['orders'], root, (field) =>
    field ? withArgument(field, 'limit', variable) : null,
  );
  expect(writeDocument(withOperation(document, operation, asked))).toContain(
    '($limit: Int = 10) {\n  orders(limit: $limit)',
  );
  const without = changeField(asked, ['orders'], root, (field) =>
    field ? withArgument(field, 'limit', null) : null,
  );
  expect(writeDocument(withOperation(document, operation, without))).toBe(
    '{\n  orders {\n    id\n  }\n}\n',
  );
});

test('fields of input objects are given and taken away', () => {
  const empty = { kind: Kind.OBJECT, fields: [] } as const;
  const value = { kind: Kind.STRING, value: '5' } as const;
  const given = withObjectField(empty, '_gt', value);
  expect(given.fields).toHaveLength(1);
  expect(withObjectField(given, '_gt', null).fields).toHaveLength(0);
});

test.each([
  ['Int', '12', Kind.INT],
  ['Int', '1.5', null],
  ['Float', '1e3', Kind.FLOAT],
  ['Decimal', '1.50', Kind.STRING],
  ['String', '"', Kind.STRING],
  ['JSON', '{a: [1]}', Kind.OBJECT],
  ['JSON', '{', null],
])('%s of %s', (type, text, kind) => {
  expect(scalarValue(type, text)?.kind ?? null).toBe(kind);
});

test('a document that cannot be read is none', () => {
  expect(readDocument('{ orders {')).toBeNull();
});
