import { beforeAll, expect, test, vi } from 'vitest';

let live: typeof import('./live');
beforeAll(async () => {
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  live = await import('./live');
});

test('waits longer after each failure, up to a bound', () => {
  const waits = [0, 1, 2, 10, 1000].map((nRetries) => Math.round(live.waitMs(nRetries, 0.5)));
  expect(waits).toEqual([400, 800, 1600, 15_000, 15_000]);
});

test('a connection that is closed because of the key ends the session', () => {
  const error = live.errorOf({ code: 4403, reason: 'Forbidden: the key does not hold any more' });
  expect(error.isUnauthenticated).toBe(true);
  expect(error.message).toBe('The key does not hold any more');
});

test('an operation that is refused says why', () => {
  const error = live.errorOf([
    { message: 'No such field.', extensions: { code: 'BAD_USER_INPUT', requestId: 'r1' } },
  ]);
  expect(error).toMatchObject({
    message: 'No such field.',
    code: 'BAD_USER_INPUT',
    requestId: 'r1',
  });
  expect(error.isUnauthenticated).toBe(false);
});

test('another end of the connection is the server out of reach', () => {
  expect(live.errorOf(new Error('boom'))).toMatchObject({ code: 'UNREACHABLE' });
  expect(live.errorOf({ code: 4500, reason: '' })).toMatchObject({ code: 'UNREACHABLE' });
});
