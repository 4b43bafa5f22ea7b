import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Listener } from './live';
import type { JobDocuments } from './watch-job';

const request = vi.hoisted(() => vi.fn());
const wire = vi.hoisted((): { listener: unknown; nEnded: number } => ({
  listener: null,
  nEnded: 0,
}));
vi.mock('./graphql', () => ({ request }));
vi.mock('./live', () => ({
  subscribe: (_document: string, _variables: object, listener: unknown) => {
    wire.listener = listener;
    return () => (wire.nEnded += 1);
  },
}));

interface Job {
  id: string;
  status: 'RUNNING' | 'SUCCEEDED';
  nRows: number;
}
const { watchJob } = await import('./watch-job');
const { ApiError } = await import('./error');
const documents = { progress: 'progress', once: 'once' } as unknown as JobDocuments<Job>;
const job = (nRows: number, status: Job['status'] = 'RUNNING'): Job => ({ id: '1', status, nRows });
const listener = () => wire.listener as Listener<{ job: Job }>;

beforeEach(() => {
  vi.useFakeTimers();
  request.mockReset();
  wire.nEnded = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

function watch(first: Job) {
  const told: number[] = [];
  const abort = new AbortController();
  const end = watchJob(first, documents, abort.signal, ({ nRows }) => told.push(nRows));
  return { told, abort, end };
}

test('the subscription tells of it, and ends with it', async () => {
  const { told, end } = watch(job(0));
  listener().next({ job: job(5) });
  listener().next({ job: job(9, 'SUCCEEDED') });
  await expect(end).resolves.toEqual(job(9, 'SUCCEEDED'));
  expect(told).toEqual([0, 5, 9]);
  expect(wire.nEnded).toBe(1);
  expect(request).not.toHaveBeenCalled();
});

test('where the subscription is silent it is asked, also after a failure', async () => {
  const { told, end } = watch(job(0));
  request.mockRejectedValueOnce(new ApiError('Away.', 0, 'UNREACHABLE', null));
  request.mockResolvedValueOnce({ job: job(5) });
  request.mockResolvedValueOnce({ job: job(9, 'SUCCEEDED') });
  await vi.advanceTimersByTimeAsync(9_000);
  await expect(end).resolves.toEqual(job(9, 'SUCCEEDED'));
  expect(told).toEqual([0, 5, 9]);
});

test('it is given up where asking again is of no use, or when nobody watches', async () => {
  const refused = watch(job(0));
  request.mockRejectedValueOnce(new ApiError('No such job.', 200, 'NOT_FOUND', null));
  const isRefused = expect(refused.end).rejects.toThrow('No such job.');
  await vi.advanceTimersByTimeAsync(3_000);
  await isRefused;
  const left = watch(job(0));
  left.abort.abort();
  await expect(left.end).rejects.toThrow('No longer watched.');
});
