import { expect, test } from 'vitest';
import type { Column } from '../../api/catalog';
import { inOrder, withId } from './columns';

function column(name: string, more: Partial<Column> = {}): Column {
  const plain = { label: name, type: 'STRING', graphqlType: 'String' } as const;
  return { name, ...plain, nullable: true, required: false, generated: false, ...more };
}
const names = (columns: readonly Column[]) => columns.map(({ name }) => name);

test('a number given by Sluice is a column, a chosen key is not told twice', () => {
  const number = column('id', {
    label: 'Row number',
    type: 'INT',
    nullable: false,
    generated: true,
  });
  expect(names(withId([number, column('a')]))).toEqual(['id', 'a']);
  const alias = column('id', { label: 'email', nullable: false, generated: true });
  const email = column('email', { nullable: false });
  expect(names(withId([alias, email, column('a')]))).toEqual(['email', 'a']);
  expect(names(withId([column('a')]))).toEqual(['id', 'a']);
});

test('columns that were moved come first, columns that are new follow', () => {
  expect(names(inOrder([column('a'), column('b'), column('c')], ['c', 'gone', 'a']))).toEqual([
    'c',
    'a',
    'b',
  ]);
});
