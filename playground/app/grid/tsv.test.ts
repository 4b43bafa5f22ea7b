import { expect, test } from 'vitest';
import { parseTsv, tsvOf } from './tsv';

test('cells go out', () => {
  expect(
    tsvOf([
      ['a', 1, null, ''],
      ['two\nlines', 'a\tb', 'say "x"', '"q"'],
      [true, { a: 1 }, '1.50', '=1+1'],
    ]),
  ).toBe('a\t1\t\t""\n"two\nlines"\t"a\tb"\tsay "x"\t"""q"""\ntrue\t"{""a"":1}"\t1.50\t=1+1');
});

test('and come back', () => {
  const cells = parseTsv('a\t\t""\r\n"x\ny"\t"a ""b"""\t"open\n');
  expect(cells.map((row) => row.map(({ text, isQuoted }) => [text, isQuoted]))).toEqual([
    [
      ['a', false],
      ['', false],
      ['', true],
    ],
    [
      ['x\ny', true],
      ['a "b"', true],
      ['"open', false],
    ],
  ]);
});

test('one cell, nothing, and a line end within', () => {
  expect(parseTsv('x')).toEqual([[{ text: 'x', isQuoted: false }]]);
  expect(parseTsv('')).toEqual([[{ text: '', isQuoted: false }]]);
  expect(parseTsv('a\n\nb').map((row) => row.map(({ text }) => text))).toEqual([
    ['a'],
    [''],
    ['b'],
  ]);
});
