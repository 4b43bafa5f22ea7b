import type { ReactElement } from 'react';
import { ApiError } from '../api/error';

/** Why something did not happen: the API's sentence, and the request that its log knows. */
export function Problem(props: { error: Error | null; onRetry?: () => void }): ReactElement | null {
  const { error, onRetry } = props;
  if (error === null) return null;
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <p role="alert" className="failure">
      {error.message}
      {requestId !== null && <small> Request {requestId}</small>}
      {onRetry && (
        <>
          {' '}
          <button type="button" className="button" onClick={onRetry}>
            Try again
          </button>
        </>
      )}
    </p>
  );
}
