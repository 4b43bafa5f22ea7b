import { expect, test } from 'vitest';
import { changeTo, isAsLeft, straysInWords, turned, type RowStep } from './steps';

const INSERTABLE = new Set(['item', 'price']);
const EDIT: RowStep = { id: 1, before: { price: '1.5' }, after: { price: '2.00' } };
const ADDED: RowStep = { id: 7, before: null, after: { id: 7, item: 'fig', price: null } };
const GONE: RowStep = { id: 7, before: { id: 7, item: 'fig', price: null }, after: null };

test('a step is undone and redone by the change that leads there', () => {
  const sent = (step: RowStep, isUndo: boolean) => changeTo([step], isUndo, INSERTABLE);
  expect(sent(EDIT, true)).toEqual({ kind: 'update', rows: [{ id: 1, set: { price: '1.5' } }] });
  expect(sent(EDIT, false)).toEqual({ kind: 'update', rows: [{ id: 1, set: { price: '2.00' } }] });
  expect(sent(ADDED, true)).toEqual({ kind: 'delete', ids: [7] });
  expect(sent(GONE, false)).toEqual({ kind: 'delete', ids: [7] });
  const row = { item: 'fig', price: null };
  expect(sent(ADDED, false)).toEqual({ kind: 'insert', rows: [row] });
  expect(sent(GONE, true)).toEqual({ kind: 'insert', rows: [row] });
});

test('only the cells that were changed must be as they were left', () => {
  const isLeft = (step: RowStep, isUndo: boolean, now?: object) =>
    isAsLeft(step, isUndo, now as Record<string, unknown>, INSERTABLE);
  expect(isLeft(EDIT, true, { id: 1, item: 'new', price: '2.00' })).toBe(true);
  expect(isLeft(EDIT, true, { id: 1, item: 'new', price: '2.01' })).toBe(false);
  expect(isLeft(EDIT, true, undefined)).toBe(false);
  // All cells of a row that was added, but not its key, which it is given anew.
  expect(isLeft(ADDED, true, { id: 8, item: 'fig', price: null })).toBe(true);
  expect(isLeft(ADDED, true, { id: 8, item: 'fig', price: '1.00' })).toBe(false);
  expect(isLeft(GONE, true, undefined)).toBe(true);
});

test('a step knows its values as the API has written them', () => {
  const undone = turned(EDIT, true, { id: 1, item: 'apple', price: '1.50' });
  expect(undone).toEqual({ id: 1, before: { price: '1.50' }, after: { price: '2.00' } });
  const back = { id: 9, item: 'fig', price: null };
  expect(turned(GONE, true, back)).toEqual({ id: 9, before: back, after: null });
  // Against the will of somebody else: done again, the row is as they had it.
  const theirs = { id: 7, item: 'date', price: null };
  expect(turned(ADDED, true, theirs)).toEqual({ id: 7, before: null, after: theirs });
});

test('it is said what somebody else has done', () => {
  const words = (rows: RowStep[], strays: Parameters<typeof straysInWords>[2]) =>
    straysInWords({ label: 'price of row 1', rows }, true, strays);
  expect(words([EDIT], [{ step: EDIT, now: { price: '9.00' } }])).toBe(
    'price of row 1 is not undone: somebody else has changed it since, to “9.00”.',
  );
  expect(words([EDIT], [{ step: EDIT, now: null }])).toBe(
    'price of row 1 is not undone: somebody else has deleted the row since.',
  );
  expect(
    words(
      [EDIT, EDIT, EDIT],
      [
        { step: EDIT, now: null },
        { step: EDIT, now: {} },
      ],
    ),
  ).toBe(
    'price of row 1: 2 of 3 rows are not undone, because somebody else has changed them since (1 deleted).',
  );
});
