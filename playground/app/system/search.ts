import type { JobStatus } from '../api/operations';

const STATUSES: readonly JobStatus[] = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];

/** The part of the address that says which jobs are shown. */
export interface JobsSearch {
  status?: JobStatus;
  dataset?: string;
  /** The job whose particulars are open. */
  job?: string;
}

export function readJobsSearch(search: Record<string, unknown>): JobsSearch {
  const read: JobsSearch = {};
  const status = STATUSES.find((candidate) => candidate === search['status']);
  if (status) read.status = status;
  const { dataset, job } = search;
  if (typeof dataset === 'string' && dataset !== '') read.dataset = dataset;
  if (typeof job === 'string' && job !== '') read.job = job;
  return read;
}
