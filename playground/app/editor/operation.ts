import type { FetcherResult } from '@graphiql/toolkit';
import type { ApiError } from '../api/error';

/** Who is told the answers of an operation: GraphiQL. */
export interface Observer {
  next: (result: FetcherResult) => void;
  complete: () => void;
}

/** An operation that runs. */
export interface Stoppable {
  unsubscribe: () => void;
}

/** A failure in the shape of every other answer, so that it is shown like one. */
export function answerOf({ message, code, requestId }: ApiError): FetcherResult {
  const extensions = { code, ...(requestId !== null && { requestId }) };
  return { errors: [{ message, extensions }] } as unknown as FetcherResult;
}
