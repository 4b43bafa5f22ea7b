import { beforeEach, expect, test, vi } from 'vitest';

const requestAs = vi.hoisted(() => vi.fn<(key: string | null) => Promise<unknown>>());
vi.mock('../api/graphql', () => ({ requestAs }));

/** A page that is loaded, with what the tab has stored. */
async function load(storedKey: string | null) {
  vi.resetModules();
  vi.stubGlobal('sessionStorage', { getItem: () => storedKey, setItem: () => undefined });
  const session = await import('./session');
  const { watchVisitor } = await import('./visitor');
  return { ...session, watchVisitor };
}

beforeEach(() => {
  requestAs.mockReset();
});

test.each([
  ['a server that is open', true],
  ['a server that wants a key', false],
])('%s', async (_name, isOpen) => {
  const { useSession, mayAsk, watchVisitor } = await load(null);
  if (isOpen) requestAs.mockResolvedValue({});
  else requestAs.mockRejectedValue(new Error('401'));
  expect(mayAsk(useSession.getState())).toBe(false);
  watchVisitor();
  await vi.waitFor(() => expect(useSession.getState().isVisitor).toBe(isOpen));
  expect(mayAsk(useSession.getState())).toBe(isOpen);
  expect(requestAs).toHaveBeenCalledExactlyOnceWith(null, '{ me { scope } }');
});

test('who has a key is no visitor, also when the session ends', async () => {
  const { useSession, endSession, mayAsk, watchVisitor } = await load('a key');
  vi.stubGlobal('sessionStorage', { removeItem: () => undefined });
  watchVisitor();
  expect(mayAsk(useSession.getState())).toBe(true);
  endSession('The key has expired.');
  expect(mayAsk(useSession.getState())).toBe(false);
  expect(requestAs).not.toHaveBeenCalled();
});

test('who signs in while it is asked is no visitor', async () => {
  const { useSession, signIn, watchVisitor } = await load(null);
  let answer: (data: object) => void = () => undefined;
  requestAs.mockReturnValue(new Promise((resolve) => (answer = resolve)));
  watchVisitor();
  signIn('a key');
  answer({});
  await Promise.resolve();
  expect(useSession.getState()).toMatchObject({ key: 'a key', isVisitor: false });
});
