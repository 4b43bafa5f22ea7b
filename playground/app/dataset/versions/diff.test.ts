import { expect, test } from 'vitest';
import { actionWords, actorWords, diffTable, isChanged } from './diff';

test('the fields of both sides are told, and which of them differ', () => {
  const { fields, lines } = diffTable({
    insertedCount: '1',
    updatedCount: '1',
    deletedCount: '0',
    rows: [
      { kind: 'UPDATED', key: 1, old: { id: 1, gone: 'x', a: null }, new: { id: 1, a: '' } },
      { kind: 'INSERTED', key: 'k', old: null, new: { id: 2, a: 'b' } },
    ],
  });
  expect(fields).toEqual(['id', 'a', 'gone']);
  expect(lines.map(({ key }) => key)).toEqual(['1', 'k']);
  const [updated, inserted] = lines;
  if (!updated || !inserted) throw new Error('two lines');
  expect(fields.filter((field) => isChanged(updated, field))).toEqual(['a', 'gone']);
  expect(fields.filter((field) => isChanged(inserted, field))).toEqual([]);
});

test('what made a version and who, in words', () => {
  const version = {
    version: 1,
    at: '',
    actor: '',
    insertedCount: '0',
    updatedCount: '0',
    deletedCount: '0',
    rowCount: '0',
    isKept: true,
    canRevert: false,
  };
  expect(actionWords({ ...version, action: 'CREATE', fileName: 'a.csv' })).toBe('Created: a.csv');
  expect(actionWords({ ...version, action: 'WRITE', fileName: null })).toBe('Rows edited');
  expect(actorWords('slu_abc')).toBe('slu_abc');
});
