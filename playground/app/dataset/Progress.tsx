import { useState, type ReactElement } from 'react';
import { messageOf } from '../api/error';
import { countOf } from '../format';
import { cancelJob } from '../upload/send';
import type { Change } from './change';
import './modal.css';

/** How far a change is, while it runs; one that takes its time can be cancelled. */
export function Progress({
  change,
}: {
  change: Pick<Change<unknown>, 'isRunning' | 'job'>;
}): ReactElement | null {
  const [problem, setProblem] = useState<string | null>(null);
  const { isRunning, job } = change;
  if (!isRunning) return null;
  const done = Number(job?.progress.bytesDone ?? 0);
  const total = Number(job?.progress.bytesTotal ?? 0);
  return (
    <div className="change-progress">
      <progress
        aria-label="Progress"
        {...(total > 0 && { max: total, value: Math.min(done, total) })}
      />
      <p className="hint" role="status">
        {job?.phase ? phaseWords(job.phase) : 'Working'}
        {job !== null &&
          job.progress.rowsDone !== '0' &&
          `: ${countOf(job.progress.rowsDone, 'row')}`}
        …
      </p>
      {job !== null && (
        <button
          type="button"
          className="button"
          onClick={() => {
            cancelJob(job.id).catch((error: unknown) => setProblem(messageOf(error)));
          }}
        >
          Cancel the job
        </button>
      )}
      {problem !== null && <p className="failure">{problem}</p>}
    </div>
  );
}

function phaseWords(phase: string): string {
  return phase.charAt(0) + phase.slice(1).toLowerCase();
}
