import { expect, test } from 'vitest';
import { errorsIn } from './errors';

test('what an error tells is shown', () => {
  const answer = {
    errors: [
      {
        message: 'Unknown field "idx" on type "Orders".',
        locations: [{ line: 1, column: 21 }],
        extensions: { code: 'BAD_USER_INPUT', requestId: '85429bacc8865be8' },
      },
      { message: 'Too long.', path: ['orders', 0, 'customer'] },
    ],
  };
  expect(errorsIn(answer)).toEqual([
    {
      message: 'Unknown field "idx" on type "Orders".',
      code: 'BAD_USER_INPUT',
      requestId: '85429bacc8865be8',
      path: null,
      location: { line: 1, column: 21 },
    },
    {
      message: 'Too long.',
      code: null,
      requestId: null,
      path: 'orders.0.customer',
      location: null,
    },
  ]);
});

test.each([null, 'text', {}, { data: {} }, { errors: 'x' }])('%j has none', (answer) => {
  expect(errorsIn(answer)).toEqual([]);
});
