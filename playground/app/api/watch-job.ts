import { newApiError, type ApiError } from './error';
import { request } from './graphql';
import { subscribe } from './live';
import type { JobStatus, TypedDocumentString } from './operations';

/** What every room asks of a job; each asks for more. */
interface AnyJob {
  id: string;
  status: JobStatus;
}

/** How a room asks for a job: by a subscription, and once. */
export interface JobDocuments<Job extends AnyJob> {
  progress: TypedDocumentString<{ job: Job }, { id: string }>;
  once: TypedDocumentString<{ job: Job | null }, { id: string }>;
}

/** The server tells of a running job several times a second; so long a silence is not its own. */
const SILENCE_MS = 3_000;
/** How often in a row the server may be out of reach before the watch is given up. */
const MAX_MISSES = 100;

/**
 * Follows a job to its end by the subscription, and tells each state on the way. Where the
 * subscription says nothing, behind a proxy that lets no WebSocket through, it asks now and then.
 */
export function watchJob<Job extends AnyJob>(
  first: Job,
  documents: JobDocuments<Job>,
  signal: AbortSignal,
  onJob: (job: Job) => void,
): Promise<Job> {
  onJob(first);
  if (hasEnded(first)) return Promise.resolve(first);
  return new Promise((resolve, reject) => {
    let nMisses = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = subscribe(
      documents.progress,
      { id: first.id },
      {
        next: ({ job }) => tell(job),
        error: () => wait(0),
        complete: () => wait(0),
      },
    );
    signal.addEventListener('abort', onAbort, { once: true });
    wait(SILENCE_MS);

    function wait(ms: number): void {
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), ms);
    }
    function tell(job: Job): void {
      if (signal.aborted) return;
      onJob(job);
      if (hasEnded(job)) end(() => resolve(job));
      else wait(SILENCE_MS);
    }
    async function ask(): Promise<void> {
      try {
        const { job } = await request(documents.once, { id: first.id }, signal);
        if (job === null) throw newApiError(404, null, null);
        nMisses = 0;
        tell(job);
      } catch (error) {
        const failure = error as ApiError;
        nMisses += 1;
        if (signal.aborted) return;
        if (isWorthAnotherTry(failure) && nMisses <= MAX_MISSES) wait(SILENCE_MS);
        else end(() => reject(failure));
      }
    }
    function onAbort(): void {
      end(() => reject(new DOMException('No longer watched.', 'AbortError')));
    }
    function end(settle: () => void): void {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener('abort', onAbort);
      settle();
    }
  });
}

export function hasEnded(job: Pick<AnyJob, 'status'>): boolean {
  return job.status !== 'QUEUED' && job.status !== 'RUNNING';
}

function isWorthAnotherTry(error: ApiError): boolean {
  return (
    error.status === 0 || error.status >= 500 || error.status === 429 || error.isUnauthenticated
  );
}
