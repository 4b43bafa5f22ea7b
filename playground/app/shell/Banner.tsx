import type { ReactElement } from 'react';
import { useReach } from '../api/reach';
import { openSignIn, useSession } from '../session/session';

/** What is wrong with the whole page: the server is away, or nobody is signed in any more. */
export function Banner(): ReactElement {
  const isReachable = useReach((reach) => reach.isReachable);
  const { key, isVisitor, isFormOpen, reason } = useSession();
  const isEnded = key === null && !isVisitor && !isFormOpen;
  return (
    <div className="banners" role="status">
      {!isReachable && (
        <p className="banner">
          {navigator.onLine
            ? 'The server does not answer. What you see is what was read before; it goes on by itself when the server is back.'
            : 'This device is offline. What you see is what was read before; it goes on by itself when the network is back.'}
        </p>
      )}
      {isEnded && (
        <p className="banner">
          {reason ?? 'You are signed out.'} Your work on this page is kept.
          <button type="button" className="button" onClick={openSignIn}>
            Sign in again
          </button>
        </p>
      )}
    </div>
  );
}
