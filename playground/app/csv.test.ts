import { expect, test } from 'vitest';
import { csvOf } from './csv';

test('fields are quoted where they must be, null and empty text are apart', () => {
  const rows = [
    { id: 1, name: 'Ada, "the first"', note: null },
    { id: 2, name: '', note: 'two\nlines' },
    { id: 3, name: ' ', note: { deep: [1] } },
  ];
  expect(csvOf(['id', 'name', 'note'], rows)).toBe(
    'id,name,note\r\n1,"Ada, ""the first""",\r\n2,"","two\nlines"\r\n3, ,"{""deep"":[1]}"\r\n',
  );
});

test('no text is run as a formula, and numbers stay numbers', () => {
  const cells = ['=1+1', '+x', '-2+3', '@SUM(A1)', '\tx', '\uff1d1', '-5', '+1.50', '-1e-3', '1-2'];
  expect(
    csvOf(
      ['a'],
      cells.map((a) => ({ a })),
    ),
  ).toBe(
    "a\r\n'=1+1\r\n'+x\r\n'-2+3\r\n'@SUM(A1)\r\n'\tx\r\n'\uff1d1\r\n-5\r\n+1.50\r\n-1e-3\r\n1-2\r\n",
  );
});
