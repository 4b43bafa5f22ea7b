import { useQuery } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { request } from '../api/graphql';
import { PlaygroundJobDetailsDocument } from '../api/operations';
import { useSession } from '../session/session';
import { countOf } from '../format';
import { Busy } from '../shell/Busy';
import { Problem } from '../shell/Problem';

/** What a job has told: drift, rows that did not fit, notices. */
export function JobDetails({ id, isEnded }: { id: string; isEnded: boolean }): ReactElement {
  const key = useSession((session) => session.key);
  const { data, error } = useQuery({
    queryKey: ['job', key, id, isEnded],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundJobDetailsDocument, { id }, signal)).job,
  });
  if (error) return <Problem error={error} />;
  if (data === undefined) return <Busy label="Loading the job" />;
  if (data === null) return <p className="hint">There is no job of this id.</p>;
  const { inserted, updated, unchanged, rejected } = data.counts;
  return (
    <div className="job-details">
      <dl className="facts">
        <Fact name="Id">
          <span className="mono">{data.id}</span>
        </Fact>
        <Fact name="Rows">
          {countOf(inserted, 'row')} new, {updated} changed, {unchanged} unchanged, {rejected}{' '}
          refused
        </Fact>
        {data.startedAt !== null && (
          <Fact name="Began">{new Date(data.startedAt).toLocaleString()}</Fact>
        )}
        {data.finishedAt !== null && (
          <Fact name="Ended">{new Date(data.finishedAt).toLocaleString()}</Fact>
        )}
      </dl>
      {data.drift.length > 0 && (
        <>
          <h3>Columns that differed</h3>
          <ul className="drift">
            {data.drift.map((drift) => (
              <li key={`${drift.dataset} ${drift.kind} ${drift.column}`}>
                <span className="tag" data-tone={drift.impact === 'SAFE' ? 'good' : 'bad'}>
                  {drift.impact}
                </span>
                <p>{drift.message}</p>
              </li>
            ))}
          </ul>
        </>
      )}
      {data.refused.length > 0 && (
        <>
          <h3>Rows that did not fit</h3>
          <ul className="plain-list">
            {data.refused.map((reject) => (
              <li key={`${reject.row} ${reject.column}`}>
                Row {reject.row}, {reject.column}: <span className="mono">{reject.value}</span>.{' '}
                {reject.reason}
              </li>
            ))}
          </ul>
        </>
      )}
      {data.notices.length > 0 && (
        <>
          <h3>Notices</h3>
          <ul className="plain-list">
            {data.notices.map((notice) => (
              <li key={`${notice.code} ${notice.column ?? ''} ${notice.row ?? ''}`}>
                {notice.message}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
