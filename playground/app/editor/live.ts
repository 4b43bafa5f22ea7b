import type { FetcherParams, FetcherResult } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import { ApiError, type GraphQLErrorOnWire } from '../api/error';
import { authorization } from '../api/graphql';
import { endSession, useSession } from '../session/session';
import { addEvent, beginLive, noteFacts, setLiveState, useAnswers } from './answers';
import { answerOf, type Observer, type Stoppable } from './operation';

/** How often a lost connection is made anew before it is given up; pauses grow meanwhile. */
const RETRIES = 8;

/**
 * Runs a subscription over a connection of its own. A lost connection is made anew, and the
 * server then answers at once, so nothing is missed for good.
 */
export function subscribe(
  tab: string,
  { query, variables, operationName }: FetcherParams,
  headers: Record<string, string>,
  { next, complete }: Observer,
): Stoppable {
  const key = useSession.getState().key;
  const hasOwnKey = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  let hasEnded = false;
  beginLive(tab);
  const startedAt = performance.now();
  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { ...authorization(key), ...lowerCased(headers) },
    retryAttempts: RETRIES,
    shouldRetry: (cause) => !isRefusal(cause),
    on: {
      connecting: (isRetrying) => setLiveState(tab, isRetrying ? 'reconnecting' : 'connecting'),
      connected: () => setLiveState(tab, 'live'),
    },
  });

  function receive(answer: FetcherResult, isFailure = false): void {
    const text = JSON.stringify(answer, null, 2);
    const isFirst = useAnswers.getState().live[tab]?.nEvents === 0;
    addEvent(tab, text, 'errors' in answer && answer.errors !== undefined);
    if (isFirst && !isFailure) {
      noteFacts(tab, {
        ms: performance.now() - startedAt,
        bytes: text.length,
        status: 101,
        requestId: null,
        cost: null,
        cache: {},
      });
    }
    const isHeld = (useAnswers.getState().live[tab]?.heldEvent ?? null) !== null;
    if (!isHeld) next(answer);
  }

  const stop = client.subscribe(
    {
      query,
      ...(variables !== undefined && { variables: variables as Record<string, unknown> }),
      ...(operationName != null && { operationName }),
    },
    {
      next: (result) => receive(result as FetcherResult),
      error: (cause) => {
        hasEnded = true;
        const error = errorOf(cause);
        if (error.isUnauthenticated && !hasOwnKey && key === useSession.getState().key) {
          endSession(error.message);
        }
        // Errors of the operation itself are shown all, as they came.
        const isAnswer = Array.isArray(cause);
        receive(isAnswer ? { errors: cause } : answerOf(error), true);
        setLiveState(tab, 'failed');
        complete();
      },
      complete: () => {
        if (hasEnded) return;
        hasEnded = true;
        setLiveState(tab, 'complete');
        complete();
      },
    },
  );
  return {
    unsubscribe: () => {
      if (!hasEnded) setLiveState(tab, 'stopped');
      hasEnded = true;
      stop();
      void client.dispose();
    },
  };
}

/** The close codes by which a server says that asking again is of no use. */
const REFUSALS = new Set([4400, 4401, 4403, 4406, 4409, 4429]);

function isRefusal(cause: unknown): boolean {
  return isClose(cause) && REFUSALS.has(cause.code);
}

function isClose(cause: unknown): cause is { code: number; reason: string } {
  return typeof cause === 'object' && cause !== null && 'code' in cause && 'reason' in cause;
}

/** What a subscription ended with: errors of the operation, or a close of the connection. */
export function errorOf(cause: unknown): ApiError {
  if (Array.isArray(cause)) {
    const [first] = cause as GraphQLErrorOnWire[];
    const { code = 'INTERNAL', requestId = null } = first?.extensions ?? {};
    return new ApiError(first?.message ?? 'The subscription failed.', 200, code, requestId);
  }
  if (isClose(cause)) {
    const isUnauthenticated = cause.code === 4401 || cause.code === 4403;
    const reason = cause.reason === '' ? 'The server closed the connection.' : cause.reason;
    return new ApiError(
      `${reason} (WebSocket ${cause.code})`,
      isUnauthenticated ? 401 : 0,
      isUnauthenticated ? 'UNAUTHENTICATED' : 'UNREACHABLE',
      null,
    );
  }
  const message = cause instanceof Error ? cause.message : 'The connection was lost.';
  return new ApiError(message, 0, 'UNREACHABLE', null);
}

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
