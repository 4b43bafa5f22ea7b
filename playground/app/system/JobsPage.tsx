import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { request } from '../api/graphql';
import { PlaygroundJobsDocument, type JobStatus } from '../api/operations';
import { mayAsk, useSession } from '../session/session';
import { Busy } from '../shell/Busy';
import { Problem } from '../shell/Problem';
import { hasEnded } from '../api/watch-job';
import { ACTIVE_JOBS_QUERY_KEY } from './active';
import { JobDetails } from './JobDetails';
import { JobRow } from './JobRow';
import type { JobsSearch } from './search';
import './system.css';

export const JOBS_QUERY_KEY = 'jobs';
const PAGE_ROWS = 30;
/** New jobs of others are not told by a subscription: the list is asked for now and then. */
const EVERY_MS = 5_000;

const STATUSES: [JobStatus, string][] = [
  ['QUEUED', 'Queued'],
  ['RUNNING', 'Running'],
  ['SUCCEEDED', 'Succeeded'],
  ['FAILED', 'Failed'],
  ['CANCELLED', 'Cancelled'],
];

/** Background work: what runs, what became of it, why it failed. */
export default function JobsPage(): ReactElement {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  const search = useSearch({ from: '/jobs' });
  const navigate = useNavigate({ from: '/jobs' });
  const queryClient = useQueryClient();
  const [nShown, setShown] = useState(PAGE_ROWS);
  const { data: datasets } = useDatasets();
  const where = {
    ...(search.status && { status: { _eq: search.status } }),
    ...(search.dataset && { datasetName: { _eq: search.dataset } }),
  };
  const jobs = useQuery({
    queryKey: [JOBS_QUERY_KEY, key, where, nShown],
    enabled: isEnabled,
    // One more than is shown tells whether there are more.
    queryFn: ({ signal }) =>
      request(PlaygroundJobsDocument, { where, limit: nShown + 1, offset: 0 }, signal),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  function change(changed: Partial<Record<keyof JobsSearch, string | undefined>>): void {
    void navigate({
      search: (now) =>
        Object.fromEntries(
          Object.entries({ ...now, ...changed }).filter(([, value]) => Boolean(value)),
        ),
    });
  }
  function refresh(): void {
    void queryClient.invalidateQueries({ queryKey: [JOBS_QUERY_KEY] });
    void queryClient.invalidateQueries({ queryKey: [ACTIVE_JOBS_QUERY_KEY] });
  }
  const all = jobs.data?.jobs ?? [];
  const shown = all.slice(0, nShown);
  const nActive = shown.filter((job) => !hasEnded(job)).length;
  return (
    <div className="room">
      <div className="room-title">
        <h1>Jobs</h1>
        <p className="hint" role="status">
          {nActive > 0 && `${nActive} at work`}
        </p>
        <span className="spacer" />
        <label className="inline">
          Status
          <select
            className="input"
            value={search.status ?? ''}
            onChange={(event) => change({ status: event.target.value })}
          >
            <option value="">All</option>
            {STATUSES.map(([status, label]) => (
              <option key={status} value={status}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label className="inline">
          Dataset
          <select
            className="input"
            value={search.dataset ?? ''}
            onChange={(event) => change({ dataset: event.target.value })}
          >
            <option value="">All</option>
            {datasets?.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      {jobs.isError && <Problem error={jobs.error} />}
      {jobs.isPending && <Busy label="Loading the jobs" />}
      {jobs.data && shown.length === 0 && (
        <p className="hint">
          {search.status || search.dataset
            ? 'No job is like this.'
            : 'Nothing was done yet. A file that is loaded is a job.'}
        </p>
      )}
      <ul className="jobs" aria-label="Jobs">
        {shown.map((job) => (
          <JobRow
            key={job.id}
            job={job}
            isOpen={search.job === job.id}
            onOpen={(isOpen) => change({ job: isOpen ? job.id : undefined })}
            onChanged={refresh}
          />
        ))}
      </ul>
      {/* A job that an address names, and that the list does not hold. */}
      {search.job !== undefined && jobs.data && !shown.some(({ id }) => id === search.job) && (
        <JobDetails id={search.job} isEnded />
      )}
      {all.length > nShown && (
        <button
          type="button"
          className="button"
          onClick={() => setShown((nRows) => nRows + PAGE_ROWS)}
        >
          Show more
        </button>
      )}
    </div>
  );
}
