import { ApiError } from '../api/error';
import { request } from '../api/graphql';
import {
  PlaygroundDatasetJobDocument,
  type PlaygroundDatasetJobFieldsFragment,
} from '../api/operations';

/** Background work on a dataset that is there: a derivation, an admission, a copy. */
export type DatasetJob = PlaygroundDatasetJobFieldsFragment;
export type Refused = DatasetJob['refused'][number];

/** So long a change waits for its job in the first answer, before it is asked after. */
export const WAIT_SECONDS = 2;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 2_000;
/** How often in a row the server may be out of reach before the watch is given up. */
const MAX_MISSES = 30;

/** A job that ended without what it was begun for, with the rows that stood in its way. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';

  constructor(readonly job: DatasetJob) {
    super(
      job.error?.message ??
        (job.status === 'CANCELLED' ? 'The job was cancelled; nothing is changed.' : 'It failed.'),
    );
  }
}

/**
 * Asks for a job until it has ended, and tells each state on the way. Throws a `JobFailure` unless
 * it succeeded; null, for a change that needed no job, is done at once.
 */
export async function followJob(
  first: DatasetJob | null,
  onJob: (job: DatasetJob) => void,
): Promise<DatasetJob | null> {
  if (first === null) return null;
  let job = first;
  let pauseMs = FIRST_PAUSE_MS;
  let nMisses = 0;
  while (job.status === 'QUEUED' || job.status === 'RUNNING') {
    onJob(job);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
    try {
      job = (await request(PlaygroundDatasetJobDocument, { id: first.id })).job ?? job;
      nMisses = 0;
    } catch (error) {
      nMisses += 1;
      if (!(error instanceof ApiError) || error.status !== 0 || nMisses > MAX_MISSES) throw error;
    }
  }
  if (job.status !== 'SUCCEEDED') throw new JobFailure(job);
  return job;
}
