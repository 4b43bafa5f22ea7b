import { beforeAll, expect, test, vi } from 'vitest';

/** In place of the connection: what it was asked, and who waits for it to be there. */
const wire = vi.hoisted(() => ({
  asked: [] as string[],
  connected: new Set<(socket: null, payload: undefined, isAgain: boolean) => void>(),
}));
vi.mock('graphql-ws/client', () => ({
  createClient: () => ({
    on: (event: string, listener: never) => {
      if (event === 'connected') wire.connected.add(listener);
      return () => wire.connected.delete(listener);
    },
    subscribe: ({ query }: { query: string }) => {
      wire.asked.push(query);
      return () => undefined;
    },
  }),
}));

let live: typeof import('./live');
beforeAll(async () => {
  vi.stubGlobal('sessionStorage', { getItem: () => 'a key' });
  vi.stubGlobal('location', { protocol: 'http:', host: 'localhost' });
  live = await import('./live');
});

test('it is told when an operation stands, and when it stands again', async () => {
  let nBegun = 0;
  const end = live.subscribe(
    'subscription A',
    {},
    { next: () => undefined, begun: () => (nBegun += 1) },
  );
  await vi.waitFor(() => expect(wire.asked).toEqual(['subscription A']));
  expect(nBegun).toBe(1);
  for (const tell of wire.connected) tell(null, undefined, false);
  for (const tell of wire.connected) tell(null, undefined, true);
  await vi.waitFor(() => expect(nBegun).toBe(2));
  end();
  expect(wire.connected.size).toBe(0);
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
