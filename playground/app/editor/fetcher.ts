import type { Fetcher, FetcherOpts, FetcherParams, FetcherResult } from '@graphiql/toolkit';
import { getOperationAST, OperationTypeNode, parse, type DocumentNode } from 'graphql';
import { newApiError, type ApiError, type GraphQLAnswer } from '../api/error';
import { ACCEPT, authorization } from '../api/graphql';
import { endSession, useSession } from '../session/session';
import { forgetAnswer, noteFacts, useAnswers } from './answers';
import { parseExactly } from '../api/exact-json';
import { subscribe } from './live';
import { answerOf, type Observer, type Stoppable } from './operation';

/**
 * Sends GraphiQL's operations: subscriptions over a WebSocket, everything else over HTTP. Each can
 * be stopped while it runs.
 */
export const fetcher = ((params, options) => {
  if (params.operationName === 'IntrospectionQuery') {
    return post(params, options, new AbortController().signal).then(({ answer }) => answer);
  }
  const tab = useAnswers.getState().activeTab;
  return {
    subscribe(observer: unknown) {
      forgetAnswer(tab);
      const { params: read, isLive } = readOperation(params);
      return isLive
        ? subscribe(tab, read, typedHeaders(options), observer as Observer)
        : ask(tab, read, options, observer as Observer);
    },
  };
}) as Fetcher;

function ask(
  tab: string,
  params: FetcherParams,
  options: FetcherOpts | undefined,
  { next, complete }: Observer,
): Stoppable {
  const abort = new AbortController();
  const startedAt = performance.now();
  post(params, options, abort.signal).then(
    ({ answer, bytes, response }) => {
      const { extensions, ...shown } = answer as GraphQLAnswer & { extensions?: Told };
      const { cost, cache, ...others } = extensions ?? {};
      noteFacts(tab, {
        ms: performance.now() - startedAt,
        bytes,
        status: response.status,
        requestId: response.headers.get('x-request-id'),
        cost: cost ?? null,
        cache: cache ?? {},
      });
      // What we asked for by ourselves is told in the bar below, and is no part of the answer.
      const hasOthers = Object.keys(others).length > 0;
      next((hasOthers ? { ...shown, extensions: others } : shown) as FetcherResult);
      complete();
    },
    (cause: unknown) => {
      if (abort.signal.aborted) return;
      next(answerOf(cause as ApiError));
      complete();
    },
  );
  return { unsubscribe: () => abort.abort() };
}

/** What the server tells about an answer when it is asked to. */
interface Told {
  cost?: number;
  cache?: Record<string, string>;
}

interface Answered {
  answer: FetcherResult;
  bytes: number;
  response: Response;
}

async function post(
  { query, variables, operationName }: FetcherParams,
  options: FetcherOpts | undefined,
  signal: AbortSignal,
): Promise<Answered> {
  const key = useSession.getState().key;
  const headers = new Headers({ 'content-type': 'application/json', ...authorization(key) });
  headers.set('accept', ACCEPT);
  // What is typed in the headers editor is stronger, an Authorization too.
  const typed = Object.entries(typedHeaders(options));
  for (const [name, value] of typed) headers.set(name, value);
  const hasOwnKey = typed.some(([name]) => name.toLowerCase() === 'authorization');
  const isIntrospection = operationName === 'IntrospectionQuery';

  let response: Response;
  let text: string;
  try {
    response = await fetch('/graphql', {
      method: 'POST',
      headers,
      body: JSON.stringify({
        query,
        variables: variables as unknown,
        operationName,
        ...(!isIntrospection && { extensions: { cache: true } }),
      }),
      signal,
    });
    text = await response.text();
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw newApiError(0, null, null);
  }
  const answer = readAnswer(text);
  const error = newApiError(response.status, answer, response.headers.get('x-request-id'));
  const isRefused =
    response.status === 401 ||
    answer?.errors?.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED') === true;
  if (isRefused && !hasOwnKey && key === useSession.getState().key) endSession(error.message);
  if (answer === null) throw error;
  return { answer: answer as FetcherResult, bytes: new Blob([text]).size, response };
}

function readAnswer(text: string): GraphQLAnswer | null {
  try {
    const answer = parseExactly(text);
    return typeof answer === 'object' ? answer : null;
  } catch {
    return null;
  }
}

function typedHeaders(options: FetcherOpts | undefined): Record<string, string> {
  const typed = Object.entries(options?.headers ?? {});
  return Object.fromEntries(typed.map(([name, value]) => [name, String(value)]));
}

/**
 * GraphiQL reads a document a moment after it was typed, and may name an operation of the one
 * before: what the document itself says is believed.
 */
function readOperation(params: FetcherParams): { params: FetcherParams; isLive: boolean } {
  let document: DocumentNode;
  try {
    document = parse(params.query, { noLocation: true });
  } catch {
    return { params, isLive: false };
  }
  const named = getOperationAST(document, params.operationName);
  const operation = named ?? getOperationAST(document);
  return {
    params: { ...params, operationName: operation?.name?.value ?? null },
    isLive: operation?.operation === OperationTypeNode.SUBSCRIPTION,
  };
}
