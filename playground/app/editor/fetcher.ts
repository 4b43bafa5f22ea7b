import type { Fetcher, FetcherOpts, FetcherParams, FetcherResult } from '@graphiql/toolkit';
import { ACCEPT, authorization } from '../api/graphql';
import { newApiError, type GraphQLAnswer } from '../api/error';
import { endSession, useSession } from '../session/session';
import { noteTiming } from './timings';

/** Sends GraphiQL's operations; an operation of the user's can be stopped while it runs. */
export const fetcher = ((params, options) => {
  if (params.operationName === 'IntrospectionQuery') {
    return send(params, options, new AbortController().signal);
  }
  return {
    subscribe(observer: unknown) {
      const { next, error, complete } = observer as Observer;
      const abort = new AbortController();
      const startedAt = performance.now();
      send(params, options, abort.signal).then(
        (result) => {
          noteTiming(performance.now() - startedAt);
          next(result);
          complete();
        },
        (cause: unknown) => {
          if (!abort.signal.aborted) error(cause);
        },
      );
      return { unsubscribe: () => abort.abort() };
    },
  };
}) as Fetcher;

interface Observer {
  next: (result: FetcherResult) => void;
  error: (cause: unknown) => void;
  complete: () => void;
}

async function send(
  { query, variables, operationName }: FetcherParams,
  options: FetcherOpts | undefined,
  signal: AbortSignal,
): Promise<FetcherResult> {
  const key = useSession.getState().key;
  const headers = new Headers({ 'content-type': 'application/json', ...authorization(key) });
  headers.set('accept', ACCEPT);
  // What is typed in the headers editor is stronger, an Authorization too.
  const typed = Object.entries(options?.headers ?? {});
  for (const [name, value] of typed) headers.set(name, String(value));
  const hasOwnKey = typed.some(([name]) => name.toLowerCase() === 'authorization');

  let response: Response;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables: variables as unknown, operationName }),
      signal,
    });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw newApiError(0, null, null);
  }
  const answer = (await response.json().catch(() => null)) as GraphQLAnswer | null;
  const error = newApiError(response.status, answer, response.headers.get('x-request-id'));
  const isRefused =
    response.status === 401 ||
    answer?.errors?.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED') === true;
  if (isRefused && !hasOwnKey && key === useSession.getState().key) endSession(error.message);
  if (answer === null) throw error;
  return answer as FetcherResult;
}
