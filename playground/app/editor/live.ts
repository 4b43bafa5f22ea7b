import type { FetcherParams, FetcherResult } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws/client';
import { authorization } from '../api/graphql';
import { errorOf, waitMs } from '../api/live';
import { endSession, useSession } from '../session/session';
import { addEvent, beginLive, noteFacts, setLiveState, useAnswers } from './answers';
import { answerOf, type Observer, type Stoppable } from './operation';

const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 6_000;
const GOING_AWAY = 1001;
/** A server that stops completes its operations just before it closes the connection. */
const FAREWELL_MS = 300;

/**
 * Runs a subscription over a connection of its own, since the headers editor may name another key.
 * A lost connection is made anew, and the server then answers at once, so nothing is missed for
 * good.
 */
export function subscribe(
  tab: string,
  { query, variables, operationName }: FetcherParams,
  headers: Record<string, string>,
  { next, complete }: Observer,
): Stoppable {
  const key = useSession.getState().key;
  const hasOwnKey = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const startedAt = performance.now();
  let hasEnded = false;
  let isRejoining = false;
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  beginLive(tab);

  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { ...authorization(key), ...lowerCased(headers) },
    keepAlive: PING_EVERY_MS,
    retryAttempts: Infinity,
    retryWait: (nRetries) => new Promise((resolve) => setTimeout(resolve, waitMs(nRetries))),
    // Codes of 4400 and above say that asking again is of no use.
    shouldRetry: (cause) => !(cause instanceof CloseEvent && cause.code >= 4400),
    on: {
      connecting: (isRetrying) => {
        if (!hasEnded) {
          setLiveState(tab, isRetrying || isRejoining ? 'reconnecting' : 'connecting');
        }
      },
      connected: () => setLiveState(tab, 'live'),
      closed: (event) => {
        clearTimeout(pongTimer);
        isRejoining = event instanceof CloseEvent && event.code === GOING_AWAY;
      },
      // A connection that is dead at the other end says nothing by itself.
      ping: (isReceived) => {
        if (!isReceived) pongTimer = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: () => clearTimeout(pongTimer),
    },
  });

  function receive(answer: FetcherResult): void {
    const text = JSON.stringify(answer, null, 2);
    const isFirst = useAnswers.getState().live[tab]?.nEvents === 0;
    const hasErrors = 'errors' in answer && answer.errors !== undefined;
    addEvent(tab, text, hasErrors);
    if (isFirst) noteFacts(tab, { ...NO_FACTS, ms: performance.now() - startedAt });
    const isHeld = (useAnswers.getState().live[tab]?.heldEvent ?? null) !== null;
    if (!isHeld) next(answer);
  }

  function end(state: 'complete' | 'failed'): void {
    hasEnded = true;
    setLiveState(tab, state);
    complete();
    void client.dispose();
  }

  function fail(cause: unknown): void {
    if (hasEnded) return;
    const error = errorOf(cause);
    const isOurs = !hasOwnKey && key === useSession.getState().key;
    if (error.isUnauthenticated && isOurs) endSession(error.message);
    // Errors of the operation itself are shown all, as they came.
    receive(Array.isArray(cause) ? { errors: cause } : answerOf(error));
    end('failed');
  }

  let stop = begin();
  function begin(): () => void {
    return client.subscribe(
      {
        query,
        ...(variables !== undefined && { variables: variables as Record<string, unknown> }),
        ...(operationName != null && { operationName }),
      },
      {
        next: (result) => receive(result as FetcherResult),
        error: fail,
        complete: () => {
          setTimeout(() => {
            if (hasEnded) return;
            if (isRejoining) stop = begin();
            else end('complete');
          }, FAREWELL_MS);
        },
      },
    );
  }

  return {
    unsubscribe: () => {
      if (!hasEnded) setLiveState(tab, 'stopped');
      hasEnded = true;
      stop();
      void client.dispose();
    },
  };
}

const NO_FACTS = { bytes: null, status: 101, requestId: null, cost: null, cache: {} };

function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
