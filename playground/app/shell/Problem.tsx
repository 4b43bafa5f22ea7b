import type { ReactElement } from 'react';
import { ApiError, messageOf } from '../api/error';

/** What went wrong, in the API's own sentence, with the request's id for whoever looks it up. */
export function Problem({ error, id }: { error: unknown; id?: string }): ReactElement {
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <p role="alert" className="failure" {...(id !== undefined && { id })}>
      {messageOf(error)}
      {requestId !== null && <small> Request {requestId}</small>}
    </p>
  );
}
