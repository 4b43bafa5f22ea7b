import { expect, test } from 'vitest';
import {
  changesTheLook,
  loadPlanOf,
  loadPlansOf,
  modeOf,
  optionsOf,
  UNDECIDED,
  withColumn,
  withReading,
  type Sheet,
} from './plan';

const sheet = { name: null, dataset: 'orders', exists: false } as Sheet;

test('what is not decided is not sent', () => {
  expect(optionsOf(UNDECIDED)).toBeUndefined();
  expect(changesTheLook(UNDECIDED)).toBe(false);
  expect(loadPlanOf(UNDECIDED, sheet, 1)).toEqual({
    name: 'orders',
    mode: 'CREATE',
    onError: 'ABORT',
  });
});

test('a decision that is taken back leaves nothing', () => {
  let plan = withColumn(UNDECIDED, 'Total', { type: 'DECIMAL', skip: true });
  expect(optionsOf(plan)).toEqual({ columns: [{ label: 'Total', type: 'DECIMAL', skip: true }] });
  plan = withColumn(plan, 'Total', { type: undefined, skip: undefined } as never);
  expect(optionsOf(plan)).toBeUndefined();
  plan = withReading(plan, { headerRow: 3 });
  expect(optionsOf(plan)).toEqual({ headerRow: 3 });
  expect(optionsOf(withReading(plan, { headerRow: undefined }))).toBeUndefined();
});

test('a name that is taken is replaced unless something else is said', () => {
  expect(modeOf(UNDECIDED, { exists: true })).toBe('REPLACE');
  expect(modeOf({ ...UNDECIDED, mode: 'APPEND' }, { exists: true })).toBe('APPEND');
  expect(modeOf({ ...UNDECIDED, mode: 'APPEND' }, { exists: false })).toBe('CREATE');
});

test('a sheet of several is loaded by its name, with its own decisions', () => {
  const plan = {
    ...withReading(UNDECIDED, { headerRow: 2 }),
    mode: 'UPSERT' as const,
    onDrift: 'WIDEN' as const,
    key: 'No.',
  };
  expect(loadPlanOf(plan, { ...sheet, name: 'June, 1', exists: true }, 2)).toEqual({
    name: 'orders',
    mode: 'UPSERT',
    onError: 'ABORT',
    onDrift: 'WIDEN',
    key: 'No.',
    options: { headerRow: 2 },
    sheets: ['June, 1'],
  });
});

test('sheets that are loaded alike are sent once', () => {
  const names = ['Orders', 'People', 'Cities', 'Notes'];
  const of = (name: string, change = {}, exists = false) => ({
    plan: { ...UNDECIDED, ...change },
    sheet: { name, dataset: `book${name}`, exists } as Sheet,
  });
  const common = { mode: 'CREATE', onError: 'ABORT' };
  expect(loadPlansOf([of('Orders'), of('People')], names, 'book')).toEqual([
    { name: 'book', ...common, sheets: ['Orders', 'People'] },
  ]);
  // One alone says how its dataset is called; so does one that is given a name.
  expect(loadPlansOf([of('People')], names, 'book')).toEqual([
    { name: 'bookPeople', ...common, sheets: ['People'] },
  ]);
  const many = [of('Orders'), of('People', {}, true), of('Cities', { name: 'towns' }), of('Notes')];
  expect(loadPlansOf(many, names, 'book')).toEqual([
    { name: 'book', ...common, sheets: ['Orders', 'Notes'] },
    { name: 'bookPeople', ...common, mode: 'REPLACE', sheets: ['People'] },
    { name: 'towns', ...common, sheets: ['Cities'] },
  ]);
  // Which of these is numbered depends on what is loaded with it.
  const alike = ['Orders', 'orders!', 'People'];
  expect(loadPlansOf([of('Orders'), of('People')], alike, 'book')).toHaveLength(2);
  expect(loadPlansOf([of('Orders')], ['Orders'], 'book')).toEqual([
    { name: 'bookOrders', ...common },
  ]);
});
