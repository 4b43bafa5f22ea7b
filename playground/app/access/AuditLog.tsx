import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { request } from '../api/graphql';
import { PlaygroundAuditDocument, type AuditEntryBoolExp } from '../api/operations';
import { useSession } from '../session/session';
import { Busy } from '../shell/Busy';
import { Problem } from '../shell/Problem';
import { When } from '../shell/When';
import type { AccessSearch } from './search';
import { ACCESS_QUERY_KEY } from './use';

const PAGE_ROWS = 50;

/** Who did what, newest first. */
export function AuditLog(): ReactElement {
  const key = useSession((session) => session.key);
  const search = useSearch({ from: '/access' });
  const navigate = useNavigate({ from: '/access' });
  const [nShown, setShown] = useState(PAGE_ROWS);
  const where = whereOf(search);
  const log = useQuery({
    queryKey: [ACCESS_QUERY_KEY, key, 'audit', where, nShown],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundAuditDocument, { where, limit: nShown + 1, offset: 0 }, signal))
        .auditLog,
    placeholderData: keepPreviousData,
  });
  function change(changed: Partial<Record<keyof AccessSearch, string>>): void {
    void navigate({
      replace: true,
      search: (now) =>
        Object.fromEntries(
          Object.entries({ ...now, ...changed }).filter(([, value]) => value !== ''),
        ),
    });
  }
  const fields = [
    ['actor', 'Who'],
    ['action', 'What'],
    ['target', 'To what'],
  ] as const;
  const shown = log.data?.slice(0, nShown);
  return (
    <>
      <div className="tab-head">
        {fields.map(([name, label]) => (
          <label key={name} className="inline">
            {label}
            <input
              type="search"
              className="input"
              value={search[name] ?? ''}
              onChange={(event) => change({ [name]: event.target.value })}
            />
          </label>
        ))}
        <label className="inline">
          Outcome
          <select
            className="input"
            value={search.outcome ?? ''}
            onChange={(event) => change({ outcome: event.target.value })}
          >
            <option value="">Any</option>
            <option value="ok">Done</option>
            <option value="refused">Refused</option>
          </select>
        </label>
        <span className="spacer" />
        <button
          type="button"
          className="button"
          disabled={log.isFetching}
          onClick={() => void log.refetch()}
        >
          Look again
        </button>
      </div>
      {log.isError && <Problem error={log.error} />}
      {log.isPending && <Busy label="Loading the audit log" />}
      {shown?.length === 0 && <p className="hint">No line is like this.</p>}
      {shown !== undefined && shown.length > 0 && (
        <table className="table roomy" aria-label="Audit log">
          <thead>
            <tr>
              <th>When</th>
              <th>Who</th>
              <th>What</th>
              <th>To what</th>
              <th>Outcome</th>
              <th>Request</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((entry) => (
              <tr key={entry.id}>
                <td data-label="When">
                  <When at={entry.at} />
                </td>
                <td data-label="Who">
                  <span className="mono">{entry.actor}</span>
                  {entry.address !== null && <span className="hint"> from {entry.address}</span>}
                </td>
                <td data-label="What">
                  {entry.action}
                  <Details details={entry.details} />
                </td>
                <td data-label="To what">{entry.target}</td>
                <td data-label="Outcome">
                  <span className="tag" data-tone={entry.outcome === 'OK' ? 'good' : 'bad'}>
                    {entry.outcome}
                  </span>
                </td>
                <td data-label="Request" className="mono">
                  {entry.requestId}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {log.data !== undefined && log.data.length > nShown && (
        <button
          type="button"
          className="button"
          onClick={() => setShown((nRows) => nRows + PAGE_ROWS)}
        >
          Show more
        </button>
      )}
    </>
  );
}

function Details({ details }: { details: unknown }): ReactElement | null {
  if (typeof details !== 'object' || details === null) return null;
  const entries = Object.entries(details);
  if (entries.length === 0) return null;
  return (
    <p className="hint">
      {entries.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')}
    </p>
  );
}

function whereOf(search: AccessSearch): AuditEntryBoolExp {
  return {
    ...(search.actor && { actor: { _icontains: search.actor } }),
    ...(search.action && { action: { _icontains: search.action } }),
    ...(search.target && { target: { _icontains: search.target } }),
    ...(search.outcome === 'ok' && { outcome: { _eq: 'OK' } }),
    ...(search.outcome === 'refused' && { outcome: { _neq: 'OK' } }),
  };
}
