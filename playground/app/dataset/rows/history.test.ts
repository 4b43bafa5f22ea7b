import { expect, test } from 'vitest';
import { partsOf } from './changes';
import { historyOf, recordStep, renameRows, stepBack, stepForth, type Step } from './history';

const step = (label: string): Step => ({
  label,
  redo: { kind: 'update', rows: [{ id: 1, set: { a: label } }] },
  undo: { kind: 'update', rows: [{ id: 1, set: { a: null } }] },
});
const labels = (dataset: string) => {
  const { past, future } = historyOf(dataset);
  return [past.map(({ label }) => label), future.map(({ label }) => label)];
};

test('back, forth, and a new edit forgets what was undone', () => {
  recordStep('a', step('one'));
  recordStep('a', step('two'));
  stepBack('a');
  expect(labels('a')).toEqual([['one'], ['two']]);
  stepForth('a');
  expect(labels('a')).toEqual([['one', 'two'], []]);
  stepBack('a');
  recordStep('a', step('three'));
  expect(labels('a')).toEqual([['one', 'three'], []]);
  expect(labels('b')).toEqual([[], []]);
});

test('a row that comes back under another key is still meant', () => {
  recordStep('c', step('edit'));
  recordStep('c', {
    label: 'delete',
    redo: { kind: 'delete', ids: [1] },
    undo: { kind: 'insert', rows: [{ a: 'edit' }] },
  });
  renameRows('c', new Map([[1, 9]]));
  const [edit, deletion] = historyOf('c').past;
  expect(edit?.undo).toEqual({ kind: 'update', rows: [{ id: 9, set: { a: null } }] });
  expect(deletion?.redo).toEqual({ kind: 'delete', ids: [9] });
});

test('a history is bounded, a change is cut into parts', () => {
  for (let n = 0; n < 250; n++) recordStep('d', step(String(n)));
  expect(historyOf('d').past).toHaveLength(200);
  const ids = Array.from({ length: 2_500 }, (_, n) => n);
  expect(partsOf({ kind: 'delete', ids })).toHaveLength(3);
});
