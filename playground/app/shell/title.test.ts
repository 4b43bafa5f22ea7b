import { expect, test } from 'vitest';
import { titleOf } from './title';

test.each([
  ['/', 'Sluice'],
  ['/datasets/Umsatz%202024', 'Umsatz 2024 – Sluice'],
  ['/datasets/100%', '100% – Sluice'],
  ['/access', 'Keys and people – Sluice'],
  ['/reference', 'API reference – Sluice'],
  ['/queries', 'Saved queries – Sluice'],
  ['/load/ab12', 'Look at a file – Sluice'],
  ['/nowhere', 'Sluice'],
])('%s', (path, title) => {
  expect(titleOf(path)).toBe(title);
});
