import { expect, test } from 'vitest';
import { nextSorts, readSearch } from './search';
import { VIEWS } from './views';

test('a good address is taken whole', () => {
  const search = {
    view: 'columns',
    diff: { from: 1, to: 3 },
    asOf: 2,
    sort: [{ column: 'total', direction: 'DESC' }],
    filters: [{ column: 'total', operator: '_gt', value: '5' }],
    q: 'blue jacket',
    facets: ['status'],
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

test('an address with one sort is still understood', () => {
  const sort = { column: 'total', direction: 'DESC' };
  expect(readSearch({ sort, q: 12 })).toEqual({ sort: [sort], q: '12' });
});

test('every tab has an address, the rows the plain one', () => {
  for (const view of VIEWS) expect(readSearch({ view }).view ?? 'rows').toBe(view);
  expect(readSearch({ view: 'rows' })).toEqual({});
});

test('a header goes up, down and back to file order', () => {
  const up = nextSorts([], 'a', false);
  const down = nextSorts(up, 'a', false);
  expect([up, down, nextSorts(down, 'a', false)]).toEqual([
    [{ column: 'a', direction: 'ASC' }],
    [{ column: 'a', direction: 'DESC' }],
    [],
  ]);
  expect(nextSorts(down, 'b', false)).toEqual([{ column: 'b', direction: 'ASC' }]);
});

test('with Shift a header joins the other sorts', () => {
  const both = nextSorts([{ column: 'a', direction: 'DESC' }], 'b', true);
  expect(both).toEqual([
    { column: 'a', direction: 'DESC' },
    { column: 'b', direction: 'ASC' },
  ]);
  const turned = nextSorts(both, 'a', true);
  expect(turned).toEqual([{ column: 'b', direction: 'ASC' }]);
});
