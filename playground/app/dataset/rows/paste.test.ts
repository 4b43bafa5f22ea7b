import { expect, test } from 'vitest';
import type { Column } from '../../api/catalog';
import { pastedRange, pasteInto } from './paste';

function column(name: string, type: Column['type'], generated = false): Column {
  return { name, label: name, type, graphqlType: '', nullable: true, required: false, generated };
}
const COLUMNS = [column('a', 'INT'), column('b', 'STRING'), column('c', 'INT', true)];
const ROWS = [1, 2, 3].map((id) => ({ id, a: 0, b: 'x', c: 9 }));
const cells = (firstRow: number, lastRow: number, firstColumn: number, lastColumn: number) => ({
  firstRow,
  lastRow,
  firstColumn,
  lastColumn,
});
const sets = (pasted: ReturnType<typeof pasteInto>) =>
  'edits' in pasted ? pasted.edits.map(({ set }) => set) : pasted.problem;

test('a block goes where the cursor is', () => {
  const text = '5\tone\t7\n\t""\n';
  expect(pastedRange(cells(4, 4, 0, 0), text)).toEqual([4, 5]);
  // The generated column is left as it is.
  expect(sets(pasteInto(ROWS.slice(0, 2), COLUMNS, cells(4, 4, 0, 0), text))).toEqual([
    { a: 5, b: 'one' },
    { a: null, b: '' },
  ]);
});

test('one cell fills all that is marked', () => {
  expect(pastedRange(cells(0, 2, 0, 1), '7')).toEqual([0, 2]);
  expect(sets(pasteInto(ROWS, COLUMNS, cells(0, 2, 0, 1), '7'))).toEqual([
    { a: 7, b: '7' },
    { a: 7, b: '7' },
    { a: 7, b: '7' },
  ]);
});

test('what is no value is told, and nothing is pasted', () => {
  expect(sets(pasteInto(ROWS, COLUMNS, cells(0, 0, 0, 0), '1\nx'))).toMatch(
    /^Nothing.*Row 2, a: "x"/,
  );
  expect(sets(pasteInto(ROWS, [column('c', 'INT', true)], cells(0, 0, 0, 0), '1'))).toMatch(
    /cannot be changed/,
  );
});
