import { expect, test } from 'vitest';
import { nextSort, readSearch } from './search';
import { VIEWS } from './views';

test('a good address is taken whole', () => {
  const search = {
    view: 'columns',
    diff: { from: 1, to: 3 },
    asOf: 2,
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
      diff: { from: 1 },
      asOf: '2',
      sort: { column: 'total', direction: 'SIDEWAYS' },
      filters: [{ column: 'total', operator: 'toString', value: '5' }, null, 'x', { column: 1 }],
      hidden: [1],
      other: true,
    }),
  ).toEqual({});
});

test('every tab has an address, the rows the plain one', () => {
  for (const view of VIEWS) expect(readSearch({ view }).view ?? 'rows').toBe(view);
  expect(readSearch({ view: 'rows' })).toEqual({});
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
