import { expect, test } from 'vitest';
import { NO_OPTIONS, optionsOf } from './options';

test('what is left empty is not sent', () => {
  expect(optionsOf(NO_OPTIONS)).toEqual({});
});

test('what is typed is sent by its type', () => {
  expect(
    optionsOf({
      ...NO_OPTIONS,
      delimiter: 'tab',
      quote: 'none',
      headerRow: '0',
      skipRows: 'x',
      nullSpellings: 'n.v., -',
      dateOrder: 'DMY',
    }),
  ).toEqual({
    delimiter: 'tab',
    quote: '',
    headerRow: 0,
    nullSpellings: ['n.v.', '-'],
    dateOrder: 'DMY',
  });
});
