import { expect, test } from 'vitest';
import { correctionOf, rejectsWith, type Reject } from './corrections';

const REJECT: Reject = {
  id: '1',
  row: '19',
  column: 'Value',
  value: 'n.v.',
  reason: '"n.v." is not a whole number',
  cells: [
    { name: 'sensor', label: 'Sensor', value: 'S2' },
    { name: 'value', label: 'Value', value: 'n.v.' },
    { name: 'note', label: 'Note', value: null },
  ],
};

test('only cells that differ are corrected, an emptied one has no value', () => {
  const draft = new Map([
    ['sensor', 'S2'],
    ['value', ''],
    ['note', ''],
  ]);
  expect(correctionOf(REJECT, draft)).toEqual({
    id: '1',
    cells: [{ column: 'value', value: null }],
  });
  expect(correctionOf(REJECT, undefined)).toEqual({ id: '1', cells: [] });
});

test('all words are looked for, in the cells and in the reason', () => {
  expect(rejectsWith([REJECT], 's2 WHOLE')).toEqual([REJECT]);
  expect(rejectsWith([REJECT], '')).toEqual([REJECT]);
  expect(rejectsWith([REJECT], 's2 missing')).toEqual([]);
});
