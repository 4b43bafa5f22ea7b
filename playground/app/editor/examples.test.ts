import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { enumName } from './example-parts';
import { examplesOf, type ExampleDataset } from './examples';

type Column = ExampleDataset['columns'][number];

function column(name: string, type: Column['type'], values: string[], more?: object): Column {
  return {
    name,
    type,
    graphqlType: { INT: 'Int', STRING: 'String', DATE: 'Date' }[type as string] ?? 'Decimal',
    generated: false,
    nullable: true,
    unique: false,
    statistics: {
      min: values[0] ?? null,
      max: values.at(-1) ?? null,
      categories:
        type === 'STRING' ? values.map((value, at) => ({ value, count: String(9 - at) })) : null,
    },
    ...more,
  };
}

const orders: ExampleDataset = {
  name: 'orders',
  label: 'Orders',
  listField: 'orders',
  typeName: 'Orders',
  key: ['id'],
  version: 3,
  columns: [
    column('id', 'INT', ['1', '400'], { nullable: false, unique: true }),
    column('orderDate', 'DATE', ['2025-01-08', '2025-11-18']),
    column('status', 'STRING', ['a "quoted" one', 'new']),
    column('total', 'DECIMAL', ['4.90', '99.00']),
  ],
  relations: [
    {
      name: 'order',
      inverseName: 'lines',
      from: 'lines',
      to: 'orders',
      column: 'orderId',
      active: true,
    },
  ],
};

test('each example is a document of one operation with a name, and its variables are JSON', () => {
  const examples = examplesOf(orders, { canWrite: true, firstId: 1, lastId: 400 });
  for (const { document, variables } of examples) {
    const { definitions } = parse(document);
    expect(definitions.map((definition) => 'name' in definition && definition.name)).toHaveLength(
      1,
    );
    if (variables !== undefined) expect(() => JSON.parse(variables) as unknown).not.toThrow();
  }
  expect(new Set(examples.map(({ document }) => document)).size).toBe(examples.length);
});

test('examples speak of the columns by their types and real values', () => {
  const examples = examplesOf(orders, { canWrite: true, firstId: 1, lastId: 400 });
  const find = (title: string) => examples.find((example) => example.title === title);
  expect(find('Month by month')?.document).toContain('{ column: ORDER_DATE, truncate: MONTH }');
  expect(find('Filter and sort')?.document).toContain(String.raw`_eq: "a \"quoted\" one"`);
  expect(find('Rows with their lines')).toBeDefined();
  expect(JSON.parse(find('Insert a row')?.variables ?? '')).toEqual({
    object: { id: 401, orderDate: '2025-01-08', status: 'a "quoted" one', total: '4.90' },
  });
});

test('who may not write is shown nothing that changes rows', () => {
  const examples = examplesOf(orders, { canWrite: false, firstId: 1, lastId: 400 });
  expect(examples.map(({ group }) => group)).not.toContain('Change');
  expect(examples.map(({ document }) => document).join('')).not.toContain('mutation');
});

test('a dataset of no rows and no other column has examples, too', () => {
  const empty = { ...orders, columns: [], relations: [], key: [] };
  for (const { document } of examplesOf(empty, { canWrite: true, firstId: null, lastId: null })) {
    expect(() => parse(document)).not.toThrow();
  }
});

test.each([
  ['id', 'ID'],
  ['orderDate', 'ORDER_DATE'],
  ['unitPrice2', 'UNIT_PRICE2'],
  ['aBC', 'A_B_C'],
])('%s is %s', (field, value) => {
  expect(enumName(field)).toBe(value);
});
