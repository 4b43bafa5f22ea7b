import { useEffect, useRef, useState, type SubmitEvent, type ReactElement } from 'react';
import { tryKey } from '../api/graphql';
import { ApiError, messageOf } from '../api/error';
import { closeSignIn, signIn, useSession } from './session';

/** The form as a dialog over the page, which keeps all its work, when a session has ended. */
export function SignInDialog(): ReactElement {
  const { key, isFormOpen, reason } = useSession();
  const dialog = useRef<HTMLDialogElement>(null);
  const isShown = key === null && isFormOpen;
  useEffect(() => {
    if (isShown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isShown]);

  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="sign-in-title" onClose={closeSignIn}>
      {isShown && <SignInForm reason={reason} isDialog />}
    </dialog>
  );
}

/** The form as a page of its own, for who has no key where one is needed. */
export function SignInPage(): ReactElement {
  const { isSigningIn, isVisitor, reason } = useSession();
  return (
    <main className="sign-in-page">
      {isSigningIn || isVisitor === null ? (
        <p className="busy" role="status">
          {isSigningIn ? 'Signing in…' : 'One moment…'}
        </p>
      ) : (
        <SignInForm reason={reason} />
      )}
    </main>
  );
}

function SignInForm(props: { reason: string | null; isDialog?: boolean }): ReactElement {
  const isVisitor = useSession((session) => session.isVisitor);
  const [key, setKey] = useState('');
  const [isTrying, setTrying] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const reason = refusal ?? props.reason;

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const candidate = key.trim();
    if (candidate === '') {
      setRefusal('Enter an API key.');
      return;
    }
    setTrying(true);
    setRefusal(null);
    try {
      await tryKey(candidate);
      signIn(candidate);
    } catch (error) {
      const isRefused = error instanceof ApiError && error.isUnauthenticated;
      setRefusal(isRefused ? 'The server does not know this key.' : messageOf(error));
    } finally {
      setTrying(false);
    }
  }

  return (
    <form className="sign-in" onSubmit={(event) => void submit(event)}>
      <h1 id="sign-in-title">Sign in to Sluice</h1>
      {reason !== null && (
        <p role="alert" className="failure" id="sign-in-reason">
          {reason}
        </p>
      )}
      {props.isDialog && !isVisitor && <p>Your work on this page is kept.</p>}
      <label htmlFor="sign-in-key">API key</label>
      <input
        id="sign-in-key"
        className="input mono"
        type="password"
        autoComplete="off"
        spellCheck={false}
        autoFocus
        value={key}
        aria-invalid={refusal !== null}
        aria-describedby={reason === null ? 'sign-in-help' : 'sign-in-reason sign-in-help'}
        onChange={(event) => setKey(event.target.value)}
      />
      <button type="submit" className="button primary" disabled={isTrying}>
        {isTrying ? 'Signing in…' : 'Sign in'}
      </button>
      <div id="sign-in-help" className="hint">
        <p>
          <strong>Where is my key?</strong> At its first start <code>sluice serve</code> prints a
          link that opens this page signed in. Make another key with <code>sluice keys create</code>
          .
        </p>
        <p>The key stays in this browser tab and is forgotten when you close it.</p>
      </div>
    </form>
  );
}
