import { endSession, mayAsk, useSession } from '../session/session';
import { newApiError, type GraphQLAnswer } from './error';
import { measured, operationName } from './meter';
import type { TypedDocumentString } from './operations';
import { seemsUnreachable } from './reach';

export const ACCEPT = 'application/graphql-response+json, application/json';
const TIMEOUT_MS = 60_000;

/**
 * Runs an operation of a `.graphql` file with the session's key and returns its data, or throws an
 * `ApiError`.
 */
export function request<Data, Variables extends object>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  return send<Data>(useSession.getState().key, document.toString(), variables, signal);
}

/**
 * As `request`, for a document that is written as the app runs: one of a dataset's own fields. Rows
 * may need another `parse` than JavaScript's, which cuts the digits of long numbers.
 */
export function requestText<Data>(
  document: string,
  variables: object = {},
  signal?: AbortSignal,
  parse?: (text: string) => unknown,
): Promise<Data> {
  return send<Data>(useSession.getState().key, document, variables, signal, parse);
}

/**
 * As `requestText`, with another key than the session's, or with none; its end is not the
 * session's end.
 */
export function requestAs<Data>(
  key: string | null,
  document: string,
  variables: object = {},
  signal?: AbortSignal,
): Promise<Data> {
  return send<Data>(key, document, variables, signal);
}

/** Resolves when the server knows this key; throws an `ApiError` otherwise. */
export async function tryKey(key: string): Promise<void> {
  await send(key, '{ __typename }', {});
}

async function send<Data>(
  key: string | null,
  query: string,
  variables: object,
  signal?: AbortSignal,
  parse: (text: string) => unknown = JSON.parse,
): Promise<Data> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const beganMs = performance.now();
  let response: Response;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: ACCEPT, ...authorization(key) },
      body: JSON.stringify({ query, variables }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    void seemsUnreachable();
    throw newApiError(0, null, null);
  }
  const answer = (await response
    .text()
    .then(parse)
    .catch(() => null)) as GraphQLAnswer<Data> | null;
  const requestId = response.headers.get('x-request-id');
  const ms = performance.now() - beganMs;
  measured(
    { name: operationName(query), ms, atMs: Date.now(), requestId, document: query },
    response.headers,
  );
  if (answer?.data && !answer.errors?.length) return answer.data;
  const error = newApiError(response.status, answer, requestId);
  const isRefused = error.isUnauthenticated && key === useSession.getState().key;
  if (isRefused && mayAsk(useSession.getState())) endSession(error.message);
  throw error;
}

export function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
