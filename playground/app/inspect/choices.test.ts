import { expect, test, vi } from 'vitest';
import { forgetChoices, readChoices, writeChoices } from './choices';
import { UNDECIDED } from './plan';

const stored = new Map<string, string>();
vi.stubGlobal('sessionStorage', {
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => stored.set(key, value),
  removeItem: (key: string) => stored.delete(key),
});

test('what was decided comes back, once for each file', () => {
  const plan = { ...UNDECIDED, name: 'orders', columns: { Total: { type: 'DECIMAL' as const } } };
  const choices = { fileName: 'a.xlsx', isWholeWanted: true, plans: { Sheet1: plan } };
  writeChoices('a', choices);
  expect(readChoices('a')).toEqual(choices);
  expect(readChoices('b')).toBeNull();
  forgetChoices('a');
  expect(readChoices('a')).toBeNull();
});

test('what cannot be read was never decided', () => {
  stored.set('sluice.looked-at.c', '{');
  expect(readChoices('c')).toBeNull();
});
