import { endSession, useSession } from '../session/session';
import { newApiError, type GraphQLAnswer } from './error';

export const ACCEPT = 'application/graphql-response+json, application/json';
const TIMEOUT_MS = 60_000;

/** Runs one operation with the session's key and returns its data, or throws an `ApiError`. */
export async function request<Data>(
  query: string,
  variables: Record<string, unknown> = {},
  signal?: AbortSignal,
): Promise<Data> {
  return requestWithKey<Data>(useSession.getState().key, query, variables, signal);
}

/** As `request`, with a key that is only being tried: a refusal does not end the session. */
export async function requestWithKey<Data>(
  key: string | null,
  query: string,
  variables: Record<string, unknown> = {},
  signal?: AbortSignal,
): Promise<Data> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
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
    throw newApiError(0, null, null);
  }
  const answer = (await response.json().catch(() => null)) as GraphQLAnswer<Data> | null;
  if (answer?.data && !answer.errors?.length) return answer.data;
  const error = newApiError(response.status, answer, response.headers.get('x-request-id'));
  if (error.isUnauthenticated && key !== null && key === useSession.getState().key) {
    endSession(error.message);
  }
  throw error;
}

export function authorization(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}
