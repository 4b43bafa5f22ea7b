import { Link } from '@tanstack/react-router';
import { useEffect, useState, type ReactElement } from 'react';
import { request } from '../api/graphql';
import { useMe } from '../api/me';
import { PlaygroundRetryJobDocument } from '../api/operations';
import { hasEnded, watchJob } from '../api/watch-job';
import { formatSeconds } from '../format';
import { Problem } from '../shell/Problem';
import { When } from '../shell/When';
import { CancelButton } from '../upload/CancelButton';
import { JobProgress } from '../upload/JobProgress';
import { cancelJob, JOB, type Job } from '../upload/send';
import { JobDetails } from './JobDetails';
import { jobInWords, KINDS, TONES } from './JobLine';

/** A job of the list, followed live as long as it goes on. */
export function JobRow(props: {
  job: Job;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  onChanged: () => void;
}): ReactElement {
  const { isOpen, onChanged } = props;
  const job = useFollowed(props.job, onChanged);
  const { canUpload } = useMe();
  const isOver = hasEnded(job);
  const canRetry = job.status === 'FAILED' || job.status === 'CANCELLED';
  return (
    <li className="job" aria-label={`${KINDS[job.kind]} ${job.datasetName}`}>
      <div className="job-title">
        <span className="tag" data-tone={TONES[job.status]}>
          {job.status}
        </span>
        <strong>
          {KINDS[job.kind]}{' '}
          {job.status === 'SUCCEEDED' && job.datasets[0] ? (
            <Link to="/datasets/$name" params={{ name: job.datasets[0].name }}>
              {job.datasets[0].name}
            </Link>
          ) : (
            job.datasetName
          )}
        </strong>
        <span className="hint">
          <When at={job.createdAt} />
          {job.startedAt !== null && job.finishedAt !== null && (
            <>, took {formatSeconds(secondsBetween(job.startedAt, job.finishedAt))}</>
          )}
        </span>
        <span className="spacer" />
        {canUpload && !isOver && (
          <CancelButton
            cancel={() => cancelJob(job.id).then(onChanged)}
            label={`Cancel ${KINDS[job.kind].toLowerCase()} ${job.datasetName}`}
          />
        )}
        {canUpload && canRetry && <Retry job={job} onChanged={onChanged} />}
        <button
          type="button"
          className="button quiet"
          aria-expanded={isOpen}
          onClick={() => props.onOpen(!isOpen)}
        >
          {isOpen ? 'Less' : 'Particulars'}
        </button>
      </div>
      {isOver ? (
        <p className={job.status === 'FAILED' ? 'failure' : 'hint'}>
          {job.error !== null && <code>{job.error.code}</code>} {jobInWords(job)}
        </p>
      ) : (
        <JobProgress job={job} />
      )}
      {isOpen && <JobDetails id={job.id} isEnded={isOver} />}
    </li>
  );
}

/** The job as the list told it, or as it was told since. */
function useFollowed(listed: Job, onEnded: () => void): Job {
  const [told, setTold] = useState<Job | null>(null);
  const isOver = hasEnded(listed);
  useEffect(() => {
    if (isOver) return;
    const abort = new AbortController();
    watchJob(listed, JOB, abort.signal, setTold).then(onEnded, () => {
      // The list is asked for again anyway.
    });
    return () => abort.abort();
    // The function is another one at each drawing, and does the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [listed.id, isOver]);
  return isOver ? listed : (told ?? listed);
}

function Retry({ job, onChanged }: { job: Job; onChanged: () => void }): ReactElement {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={isBusy}
        aria-label={`Try again: ${KINDS[job.kind].toLowerCase()} ${job.datasetName}`}
        onClick={() => {
          setBusy(true);
          setProblem(null);
          request(PlaygroundRetryJobDocument, { id: job.id })
            .then(onChanged, setProblem)
            .finally(() => setBusy(false));
        }}
      >
        Try again
      </button>
      {problem !== null && <Problem error={problem} />}
    </>
  );
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
