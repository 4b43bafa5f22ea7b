import { expect, test } from 'vitest';
import { partsOf } from './changes';
import { historyOf, nextStep, recordStep, renameRows, turnStep } from './history';
import type { RowStep, Step } from './steps';

const row = (id: number, after = 'x'): RowStep => ({
  id,
  before: { a: null },
  after: { a: after },
});
const step = (label: string): Step => ({ label, rows: [row(1, label)] });
const labels = (dataset: string) => {
  const { past, future } = historyOf(dataset);
  return [past.map(({ label }) => label), future.map(({ label }) => label)];
};
const turn = (dataset: string, isUndo: boolean) =>
  turnStep(dataset, isUndo, nextStep(dataset, isUndo)?.rows ?? [], []);

test('back, forth, and a new edit forgets what was undone', () => {
  recordStep('a', step('one'));
  recordStep('a', step('two'));
  turn('a', true);
  expect(labels('a')).toEqual([['one'], ['two']]);
  turn('a', false);
  expect(labels('a')).toEqual([['one', 'two'], []]);
  turn('a', true);
  recordStep('a', step('three'));
  expect(labels('a')).toEqual([['one', 'three'], []]);
  expect(labels('b')).toEqual([[], []]);
});

test('rows that are not undone stay to be undone', () => {
  recordStep('e', { label: 'cells', rows: [row(1), row(2), row(3)] });
  turnStep('e', true, [row(2)], [row(1), row(3)]);
  expect(historyOf('e').past).toEqual([{ label: 'cells', rows: [row(1), row(3)] }]);
  expect(historyOf('e').future).toEqual([{ label: 'cells', rows: [row(2)] }]);
  turnStep('e', true, [], []);
  expect(labels('e')).toEqual([[], ['cells']]);
});

test('a row that comes back under another key is still meant', () => {
  recordStep('c', step('edit'));
  recordStep('c', { label: 'delete', rows: [{ id: 1, before: { a: 'edit' }, after: null }] });
  renameRows('c', new Map([[1, 9]]));
  const [edit, deletion] = historyOf('c').past;
  expect(edit?.rows).toEqual([row(9, 'edit')]);
  expect(deletion?.rows[0]?.id).toBe(9);
});

test('a history is bounded, a change is cut into parts', () => {
  for (let n = 0; n < 250; n++) recordStep('d', step(String(n)));
  expect(historyOf('d').past).toHaveLength(200);
  const ids = Array.from({ length: 2_500 }, (_, n) => n);
  expect(partsOf({ kind: 'delete', ids })).toHaveLength(3);
});
