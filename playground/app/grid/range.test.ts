import { expect, test } from 'vitest';
import { countCells, move, rectangleOf, type Place } from './range';

const EXTENT = { nRows: 1000, nColumns: 5, firstColumn: -1, pageRows: 20 };
const at = (row: number, column: number): Place => ({ row, column });

test.each([
  ['ArrowDown', false, at(0, 0), at(1, 0)],
  ['ArrowUp', false, at(0, 0), at(-1, 0)],
  ['ArrowUp', false, at(-1, 0), at(-1, 0)],
  ['ArrowDown', true, at(3, 2), at(999, 2)],
  ['ArrowDown', false, at(999, 2), at(999, 2)],
  ['ArrowLeft', false, at(3, 0), at(3, -1)],
  ['ArrowRight', false, at(3, 4), at(3, 4)],
  ['ArrowRight', true, at(3, 1), at(3, 4)],
  ['PageDown', false, at(3, 1), at(23, 1)],
  ['PageDown', false, at(990, 1), at(999, 1)],
  ['PageUp', false, at(10, 1), at(0, 1)],
  ['Home', false, at(7, 3), at(7, 0)],
  ['Home', true, at(7, 3), at(0, 0)],
  ['End', false, at(7, 3), at(7, 4)],
  ['End', true, at(7, 3), at(999, 4)],
  ['x', false, at(7, 3), null],
])('%s %s', (key, isFar, from, to) => {
  expect(move(key, isFar, from, EXTENT)).toEqual(to);
});

test('marked cells, in whatever direction', () => {
  const rectangle = rectangleOf({ anchor: at(5, 3), cursor: at(2, 1) }, 5);
  expect(rectangle).toEqual({ firstRow: 2, lastRow: 5, firstColumn: 1, lastColumn: 3 });
  expect(countCells(rectangle)).toBe(12);
});

test('a row number marks the whole row, the header nothing', () => {
  expect(rectangleOf({ anchor: at(4, -1), cursor: at(4, -1) }, 5)).toMatchObject({
    firstColumn: 0,
    lastColumn: 4,
  });
  expect(countCells(rectangleOf({ anchor: at(-1, 2), cursor: at(-1, 2) }, 5))).toBe(0);
});
