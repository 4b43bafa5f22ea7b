import { authorization, request } from '../api/graphql';
import {
  PlaygroundCancelJobDocument,
  PlaygroundJobDocument,
  type PlaygroundJobQuery,
} from '../api/operations';
import { newApiError, type ApiError, type GraphQLAnswer } from '../api/error';
import { endSession, useSession } from '../session/session';

/** Background work of the server, as the API tells it. BigInts are text. */
export type Job = NonNullable<PlaygroundJobQuery['job']>;

export type LoadMode = 'create' | 'replace';

interface UploadAnswer extends GraphQLAnswer {
  job?: Job;
}

/**
 * Sends a file as it is. XMLHttpRequest, because fetch tells nothing about how much was sent.
 * The promise settles when the server has the whole body; loading goes on as the job returned.
 */
export function sendFile(
  file: File,
  options: { name: string; mode: LoadMode; signal: AbortSignal },
  onSent: (nBytes: number) => void,
): Promise<Job> {
  const { promise, resolve, reject } = withResolvers<Job>();
  const key = useSession.getState().key;
  const xhr = new XMLHttpRequest();
  const parameters = new URLSearchParams({ mode: options.mode, wait: '0', filename: file.name });
  xhr.open('PUT', `/upload/${encodeURIComponent(options.name)}?${parameters.toString()}`);
  xhr.setRequestHeader('accept', 'application/json');
  for (const [name, value] of Object.entries(authorization(key))) xhr.setRequestHeader(name, value);
  xhr.upload.onprogress = (event) => onSent(event.loaded);
  xhr.onload = () => {
    const answer = parsed(xhr.responseText);
    if (xhr.status >= 200 && xhr.status < 300 && answer?.job) {
      resolve(answer.job);
      return;
    }
    const error = newApiError(xhr.status, answer, xhr.getResponseHeader('x-request-id'));
    if (error.isUnauthenticated) endSession(error.message);
    reject(error);
  };
  xhr.onerror = () => reject(newApiError(0, null, null));
  xhr.onabort = () => reject(new DOMException('The upload was cancelled.', 'AbortError'));
  options.signal.addEventListener('abort', () => xhr.abort(), { once: true });
  xhr.send(file);
  return promise;
}

/** Asks the server to end a job; what becomes of it is seen by watching. */
export async function cancelJob(id: string): Promise<void> {
  await request(PlaygroundCancelJobDocument, { id });
}

const FIRST_POLL_MS = 250;
const SLOWEST_POLL_MS = 2_000;
/** How often in a row the server may be out of reach before the watch is given up. */
const MAX_MISSES = 15;

/** Asks for the job until it has ended, and tells each state on the way. */
export async function watchJob(
  first: Job,
  signal: AbortSignal,
  onJob: (job: Job) => void,
): Promise<Job> {
  let job = first;
  let pauseMs = FIRST_POLL_MS;
  let nMisses = 0;
  onJob(job);
  while (job.status === 'QUEUED' || job.status === 'RUNNING') {
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 1.3, SLOWEST_POLL_MS);
    try {
      const answer = await request(PlaygroundJobDocument, { id: first.id }, signal);
      if (answer.job === null) throw newApiError(404, null, null);
      job = answer.job;
      nMisses = 0;
    } catch (error) {
      nMisses += 1;
      if (signal.aborted || !isWorthAnotherTry(error as ApiError) || nMisses > MAX_MISSES) {
        throw error;
      }
      continue;
    }
    onJob(job);
  }
  return job;
}

function isWorthAnotherTry(error: ApiError): boolean {
  return error.status === 0 || error.status >= 500 || error.status === 429;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
      reject(new DOMException('No longer watched.', 'AbortError'));
    },
    { once: true },
  );
  return promise;
}

function parsed(text: string): UploadAnswer | null {
  try {
    return JSON.parse(text) as UploadAnswer;
  } catch {
    return null;
  }
}

// Promise.withResolvers is younger than the browsers that we support.
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
