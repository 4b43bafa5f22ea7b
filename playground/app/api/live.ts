import type { Client } from 'graphql-ws/client';
import { create } from 'zustand';
import { endSession, mayAsk, useSession } from '../session/session';
import { ApiError, newApiError, type GraphQLErrorOnWire } from './error';
import { authorization } from './graphql';
import type { TypedDocumentString } from './operations';

/** What a subscription is told; `data` is the answer of one event. */
export interface Listener<Data> {
  next: (data: Data) => void;
  /**
   * A connection carries the operation, the first one or one that came in the place of another:
   * what happened before is not told. What is asked by `subscribe` now is answered after it stands.
   */
  begun?: () => void;
  /** The subscription has ended, and why. */
  error?: (error: ApiError) => void;
  /** The subscription has ended: nothing more will come. */
  complete?: () => void;
}

/** Whether the WebSocket, once it was there, is being sought anew. */
export const useLive = create<{ isLost: boolean }>(() => ({ isLost: false }));

/** An operation that somebody waits for, whichever connection carries it. */
interface Subscription {
  document: string;
  variables: object;
  listener: Listener<unknown>;
  /** Takes it off the connection that carries it now. */
  leave: () => void;
}

/** The close codes of graphql-transport-ws for a key that is not, or no longer, good. */
const REFUSED_CODES = [4401, 4403];
const GOING_AWAY = 1001;
const FIRST_WAIT_MS = 400;
const SLOWEST_WAIT_MS = 15_000;
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 6_000;
/** A server that stops completes its operations just before it closes the connection. */
const FAREWELL_MS = 300;

const subscriptions = new Set<Subscription>();
let connection: { key: string | null; client: Promise<Client> } | null = null;

/**
 * Subscribes with the session's key over the one WebSocket of this tab; returns what ends it. A
 * connection that breaks comes back and the operation begins anew; so it does when another key
 * signs in.
 */
export function subscribe<Data, Variables extends object>(
  document: TypedDocumentString<Data, Variables> | string,
  variables: Variables,
  listener: Listener<Data>,
): () => void {
  const subscription: Subscription = {
    document: document.toString(),
    variables,
    listener: listener as Listener<unknown>,
    leave: () => undefined,
  };
  subscriptions.add(subscription);
  begin(subscription);
  return () => {
    subscriptions.delete(subscription);
    subscription.leave();
  };
}

// When another key signs in, what was waited for goes on with it.
useSession.subscribe(({ key }) => {
  if (connection === null || connection.key === key) return;
  const left = connection;
  connection = null;
  useLive.setState({ isLost: false });
  for (const subscription of subscriptions) subscription.leave();
  void left.client.then((client) => client.dispose());
});
useSession.subscribe(({ key }, before) => {
  if (key === null || key === before.key) return;
  for (const subscription of subscriptions) begin(subscription);
});

/** Puts an operation on the connection of the session's key. */
function begin(subscription: Subscription): void {
  const session = useSession.getState();
  if (!mayAsk(session)) return;
  const { key } = session;
  connection ??= { key, client: connect(key) };
  const on = connection;
  let isLeft = false;
  let stop: (() => void) | null = null;
  subscription.leave = () => {
    isLeft = true;
    stop?.();
  };
  const isCurrent = () => !isLeft && connection === on;
  on.client.then(
    (client) => {
      if (isCurrent()) stop = run(client, subscription, isCurrent);
    },
    () => {
      if (connection === on) connection = null;
      fail(subscription, newApiError(0, null, null));
    },
  );
}

function run(client: Client, subscription: Subscription, isCurrent: () => boolean): () => void {
  const { document: query, variables, listener } = subscription;
  // Those that wait for the connection send what they have before a timer goes off.
  const offConnected = client.on('connected', (_socket, _payload, isAgain) => {
    if (isAgain && listener.begun) setTimeout(() => isCurrent() && listener.begun?.());
  });
  const stop = client.subscribe<unknown>(
    { query, variables: variables as Record<string, unknown> },
    {
      next: ({ data, errors }) => {
        if (!isCurrent()) return;
        if (errors?.length) {
          fail(subscription, newApiError(200, { errors: errors as GraphQLErrorOnWire[] }, null));
          subscription.leave();
        } else {
          listener.next(data);
        }
      },
      error: (cause) => {
        offConnected();
        if (isCurrent()) fail(subscription, errorOf(cause));
      },
      complete: () => {
        offConnected();
        if (!isCurrent() || !subscriptions.has(subscription)) return;
        let off = () => undefined as unknown;
        const settle = setTimeout(() => {
          off();
          subscriptions.delete(subscription);
          listener.complete?.();
        }, FAREWELL_MS);
        off = client.on('closed', (event) => {
          off();
          if ((event as CloseEvent).code !== GOING_AWAY) return;
          clearTimeout(settle);
          if (isCurrent() && subscriptions.has(subscription)) begin(subscription);
        });
        subscription.leave = () => {
          off();
          clearTimeout(settle);
        };
      },
    },
  );
  listener.begun?.();
  return () => {
    offConnected();
    stop();
  };
}

function fail(subscription: Subscription, error: ApiError): void {
  if (!subscriptions.has(subscription)) return;
  if (error.isUnauthenticated) {
    // It begins again when somebody has signed in.
    if (mayAsk(useSession.getState())) endSession(error.message);
    return;
  }
  subscriptions.delete(subscription);
  subscription.listener.error?.(error);
}

async function connect(key: string | null): Promise<Client> {
  const { createClient } = await import('graphql-ws/client');
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/graphql`,
    connectionParams: authorization(key),
    lazy: true,
    lazyCloseTimeout: 5_000,
    keepAlive: PING_EVERY_MS,
    retryAttempts: Infinity,
    retryWait: (nRetries) => pause(waitMs(nRetries)),
    shouldRetry: () => true,
    on: {
      connected: () => useLive.setState({ isLost: false }),
      closed: (event) => {
        clearTimeout(pongTimer);
        const { code } = event as CloseEvent;
        useLive.setState({ isLost: code !== 1000 && !REFUSED_CODES.includes(code) });
      },
      // A connection that is dead at the other end says nothing by itself.
      ping: (isReceived) => {
        if (!isReceived) pongTimer = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: (isReceived) => {
        if (isReceived) clearTimeout(pongTimer);
      },
    },
  });
  return client;
}

/** Longer after each failure, and not the same for all clients of a server that comes back. */
export function waitMs(nRetries: number, random = Math.random()): number {
  return Math.min(FIRST_WAIT_MS * 2 ** nRetries, SLOWEST_WAIT_MS) * (0.7 + 0.6 * random);
}

/** Waits so long, or until the machine is online again. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    window.addEventListener('online', done);
  });
}

/** Why an operation ended: a list of errors for it, or the end of its connection. */
export function errorOf(cause: unknown): ApiError {
  if (Array.isArray(cause)) {
    return newApiError(200, { errors: cause as GraphQLErrorOnWire[] }, null);
  }
  if (typeof cause === 'object' && cause !== null && 'code' in cause && 'reason' in cause) {
    const { code, reason } = cause as { code: number; reason: string };
    const message = reason.replace(/^Forbidden: /, '') || 'The connection was closed.';
    const isRefused = REFUSED_CODES.includes(code);
    return new ApiError(
      message.charAt(0).toUpperCase() + message.slice(1),
      0,
      isRefused ? 'UNAUTHENTICATED' : 'UNREACHABLE',
      null,
    );
  }
  return newApiError(0, null, null);
}
