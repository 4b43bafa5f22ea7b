import type { ReactElement } from 'react';
import { countOf, formatBytes, formatCount, formatSeconds } from '../format';
import type { Job } from './send';

/** How far a job is: phase, bytes, rows, rate, what is left. */
export function JobProgress({ job }: { job: Job }): ReactElement {
  const { progress } = job;
  const nBytes = Number(progress.bytesDone);
  const nBytesInAll = Number(progress.bytesTotal ?? 0);
  const facts = [
    nBytesInAll > 0 &&
      `${formatBytes(Math.min(nBytes, nBytesInAll))} of ${formatBytes(nBytesInAll)}`,
    Number(progress.rowsDone) > 0 && countOf(progress.rowsDone, 'row'),
    progress.rowsPerSecond !== null && `${formatCount(Math.round(progress.rowsPerSecond))} rows/s`,
    progress.remainingSeconds !== null && `${formatSeconds(progress.remainingSeconds)} left`,
  ].filter(Boolean);
  return (
    <>
      <progress
        aria-label={`Loading ${job.datasetName}`}
        {...(nBytesInAll > 0 && { max: nBytesInAll, value: Math.min(nBytes, nBytesInAll) })}
      />
      <p className="hint">
        {job.status === 'QUEUED' ? 'Queued' : phaseInWords(job.phase)}
        {facts.length > 0 && `: ${facts.join(', ')}`}
      </p>
    </>
  );
}

const PHASES: Record<string, string> = {
  RECEIVE: 'Receiving the file',
  UNDERSTAND: 'Understanding the file',
  INFER: 'Finding the types',
  LOAD: 'Writing the rows',
  INDEX: 'Building indexes',
  PUBLISH: 'Publishing',
};

export function phaseInWords(phase: string | null): string {
  if (phase === null) return 'Loading';
  const words = phase.replaceAll('_', ' ').toLowerCase();
  return PHASES[phase] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
