import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { JobKind } from '../api/operations';
import { countOf } from '../format';
import { When } from '../shell/When';
import { phaseInWords } from '../upload/JobProgress';
import type { Job } from '../upload/send';

export const KINDS: Record<JobKind, string> = {
  LOAD: 'Load',
  DERIVE: 'Derive anew',
  ADMIT: 'Admit rejects',
  COPY: 'Copy',
  EXPORT: 'Export',
};

export const TONES: Record<Job['status'], string> = {
  QUEUED: 'quiet',
  RUNNING: 'accent',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  CANCELLED: 'quiet',
};

/** A job in a line: what, where it stands, when. */
export function JobLine({ job }: { job: Job }): ReactElement {
  return (
    <li>
      <span className="tag" data-tone={TONES[job.status]}>
        {job.status}
      </span>
      <Link to="/jobs" search={{ job: job.id }}>
        {KINDS[job.kind]} {job.datasetName}
      </Link>
      <span className="hint">{jobInWords(job)}</span>
      <span className="hint">
        <When at={job.finishedAt ?? job.createdAt} />
      </span>
    </li>
  );
}

/** What became of a job. */
export function jobInWords(job: Job): string {
  switch (job.status) {
    case 'QUEUED':
      return 'waits for its turn';
    case 'RUNNING':
      return phaseInWords(job.phase);
    case 'FAILED':
      return job.error?.message ?? 'It failed without a reason.';
    case 'CANCELLED':
      return '';
    case 'SUCCEEDED': {
      if (job.unchanged) return 'nothing was to be done';
      const { inserted, updated, rejected } = job.counts;
      return [
        inserted !== '0' && `${countOf(inserted, 'row')} new`,
        updated !== '0' && `${countOf(updated, 'row')} changed`,
        rejected !== '0' && `${countOf(rejected, 'row')} refused`,
      ]
        .filter(Boolean)
        .join(', ');
    }
  }
}
