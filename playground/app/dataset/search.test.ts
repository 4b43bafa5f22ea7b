import { expect, test } from 'vitest';
import { nextSort, readSearch } from './search';

test('a good address is taken whole', () => {
  const search = {
    view: 'columns',
    sort: { column: 'total', direction: 'DESC' },
    filters: [{ column: 'total', operator: '_gt', value: '5' }],
    hidden: ['note'],
  };
  expect(readSearch(search)).toEqual(search);
});

test('what makes no sense is dropped', () => {
  expect(
    readSearch({
      view: 'nothing',
      sort: { column: 'total', direction: 'SIDEWAYS' },
      filters: [{ column: 'total', operator: 'toString', value: '5' }, null, 'x', { column: 1 }],
      hidden: [1],
      other: true,
    }),
  ).toEqual({});
});

test('a header goes up, down and back to file order', () => {
  const up = nextSort(undefined, 'a');
  const down = nextSort(up, 'a');
  expect([up, down, nextSort(down, 'a')]).toEqual([
    { column: 'a', direction: 'ASC' },
    { column: 'a', direction: 'DESC' },
    undefined,
  ]);
  expect(nextSort(down, 'b')).toEqual({ column: 'b', direction: 'ASC' });
});
