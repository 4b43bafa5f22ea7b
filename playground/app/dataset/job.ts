import {
  PlaygroundDatasetJobDocument,
  PlaygroundDatasetJobProgressDocument,
  type PlaygroundDatasetJobFieldsFragment,
} from '../api/operations';
import { hasEnded, watchJob, type JobDocuments } from '../api/watch-job';

/** Background work on a dataset that is there: a derivation, an admission, a copy. */
export type DatasetJob = PlaygroundDatasetJobFieldsFragment;
export type Refused = DatasetJob['refused'][number];

/** So long a change waits for its job in the first answer, before it is asked after. */
export const WAIT_SECONDS = 2;

/** How a job is asked for whose losses and refusals are shown. */
const DATASET_JOB: JobDocuments<DatasetJob> = {
  progress: PlaygroundDatasetJobProgressDocument,
  once: PlaygroundDatasetJobDocument,
};

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
 * Follows a job to its end, and tells each state on the way. Throws a `JobFailure` unless it
 * succeeded; null, for a change that needed no job, is done at once.
 */
export async function followJob(
  first: DatasetJob | null,
  onJob: (job: DatasetJob) => void,
): Promise<DatasetJob | null> {
  if (first === null) return null;
  // It goes on when its dialog is closed: the datasets are read anew at its end.
  const { signal } = new AbortController();
  const job = await watchJob(first, DATASET_JOB, signal, (now) => {
    if (!hasEnded(now)) onJob(now);
  });
  if (job.status !== 'SUCCEEDED') throw new JobFailure(job);
  return job;
}
