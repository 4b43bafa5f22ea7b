import type { ReactElement } from 'react';
import { ApiError, messageOf } from '../api/error';

/**
 * What went wrong, in the API's own sentence, with the request's id for whoever looks it up; nothing
 * where nothing did.
 */
export function Problem(props: {
  error: unknown;
  id?: string;
  onRetry?: () => void;
}): ReactElement | null {
  const { error, id, onRetry } = props;
  if (error === null) return null;
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <p role="alert" className="failure" {...(id !== undefined && { id })}>
      {messageOf(error)}
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
