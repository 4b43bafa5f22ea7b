import { create } from 'zustand';
import { credentialInFragment } from './fragment';

/**
 * Who is asking. The key lives in this tab's sessionStorage and nowhere else: not in the address,
 * not in localStorage, not in a cookie.
 */
export interface Session {
  key: string | null;
  /**
   * Whether somebody without a key may look: the server has datasets that all may read. Null until
   * it has said so; false for who signed in here, also when that session has ended.
   */
  isVisitor: boolean | null;
  /** `true` while a one-time link is being exchanged for a key. */
  isSigningIn: boolean;
  /** Why the sign-in form is shown, in a sentence; null when nobody was refused. */
  reason: string | null;
  /** `true` when the form is to be shown over the page. */
  isFormOpen: boolean;
}

const STORAGE_KEY = 'sluice.key';
const EXCHANGE_TIMEOUT_MS = 15_000;

const storedKey = sessionStorage.getItem(STORAGE_KEY);

export const useSession = create<Session>(() => ({
  key: storedKey,
  isVisitor: storedKey === null ? null : false,
  isSigningIn: false,
  reason: null,
  isFormOpen: false,
}));

/** Takes the credential out of the address, at once, and signs in with it. */
export function startSession(): void {
  takeCredentialFromAddress();
  // A link opened in this very tab changes only the fragment, which reloads nothing.
  window.addEventListener('hashchange', takeCredentialFromAddress);
}

/** Whether there is anybody to ask the server for. */
export function mayAsk({ key, isVisitor }: Session): boolean {
  return key !== null || isVisitor === true;
}

export function signIn(key: string): void {
  sessionStorage.setItem(STORAGE_KEY, key);
  // What a visitor has read may be other rows of the same datasets.
  if (useSession.getState().isVisitor) {
    location.reload();
    return;
  }
  useSession.setState({
    key,
    isVisitor: false,
    isSigningIn: false,
    reason: null,
    isFormOpen: false,
  });
}

/** Forgets the key and, by loading the page anew, everything that was read with it. */
export function signOut(): void {
  sessionStorage.removeItem(STORAGE_KEY);
  location.assign('/');
}

/** Called when the server refused the key: shows the form with the reason and keeps the page. */
export function endSession(reason: string): void {
  sessionStorage.removeItem(STORAGE_KEY);
  useSession.setState({ key: null, isVisitor: false, reason, isFormOpen: true });
}

export function openSignIn(): void {
  useSession.setState({ isFormOpen: true });
}

export function closeSignIn(): void {
  useSession.setState({ isFormOpen: false });
}

function takeCredentialFromAddress(): void {
  const credential = credentialInFragment(location.hash);
  if (credential === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  if (credential.kind === 'key') {
    signIn(credential.key);
  } else {
    void exchangeToken(credential.token);
  }
}

async function exchangeToken(token: string): Promise<void> {
  useSession.setState({ isSigningIn: true });
  const result = await keyForToken(token);
  if ('key' in result) {
    signIn(result.key);
    return;
  }
  // A link that was used already does no harm to a tab that is signed in.
  const isSignedIn = useSession.getState().key !== null;
  useSession.setState({
    isSigningIn: false,
    reason: isSignedIn ? null : result.reason,
    isFormOpen: !isSignedIn,
  });
}

async function keyForToken(token: string): Promise<{ key: string } | { reason: string }> {
  let response: Response;
  try {
    response = await fetch('/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ token }),
      signal: AbortSignal.timeout(EXCHANGE_TIMEOUT_MS),
    });
  } catch {
    return { reason: 'The server could not be reached to sign in. Open the link again.' };
  }
  if (response.status === 401) {
    return {
      reason: 'This sign-in link has been used already or has expired. Sign in with an API key.',
    };
  }
  const body = (await response.json().catch(() => null)) as { key?: unknown } | null;
  if (!response.ok || typeof body?.key !== 'string') {
    return { reason: `The server could not sign you in (HTTP ${response.status}).` };
  }
  return { key: body.key };
}
