import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { request } from '../api/graphql';
import {
  PlaygroundServerDocument,
  PlaygroundServerStatusDocument,
  type PlaygroundServerQuery,
  type PlaygroundServerStatusQuery,
} from '../api/operations';
import { formatBytes, formatCount, formatMilliseconds } from '../format';
import { useSession } from '../session/session';
import { Problem } from '../shell/Problem';
import { When } from '../shell/When';
import { hitShare } from './figures';
import { Fact } from './JobDetails';
import { SlowTable } from './SlowTable';

type Limits = PlaygroundServerQuery['server']['limits'];
type Status = PlaygroundServerStatusQuery['server']['status'];

/** What runs here and which limits are in force. */
export function ServerCards(): ReactElement | null {
  const key = useSession((session) => session.key);
  const { data, error } = useQuery({
    queryKey: ['server', key],
    queryFn: ({ signal }) => request(PlaygroundServerDocument, {}, signal),
    placeholderData: keepPreviousData,
  });
  if (error) return <Problem error={error} />;
  if (data === undefined) return null;
  const { version, startedAt, limits } = data.server;
  return (
    <>
      <section className="card" aria-labelledby="server">
        <h2 id="server">Server</h2>
        <dl className="facts">
          <Fact name="Sluice">{version}</Fact>
          <Fact name="Serves since">
            <When at={startedAt} />
          </Fact>
          {limits.rates.map((rate) => (
            <Fact key={rate.name} name={`${rate.name} of one key`}>
              {rate.rate}
            </Fact>
          ))}
          {limits.rates.length === 0 && <Fact name="Rate limits">off</Fact>}
        </dl>
      </section>
      <LimitsCard limits={limits} />
    </>
  );
}

function LimitsCard({ limits }: { limits: Limits }): ReactElement {
  return (
    <section className="card" aria-labelledby="limits">
      <h2 id="limits">Limits in force</h2>
      <dl className="facts">
        <Fact name="Uploaded file">{formatBytes(Number(limits.maxUploadBytes))}</Fact>
        <Fact name="Other requests">{formatBytes(Number(limits.maxBodyBytes))}</Fact>
        <Fact name="Rows of a list">
          {formatCount(limits.defaultLimit)}, at most {formatCount(limits.maxLimit)}
        </Fact>
        <Fact name="Rows of a mutation">{formatCount(limits.maxWriteRows)}</Fact>
        <Fact name="Time of a statement">
          {formatMilliseconds(Number(limits.statementTimeoutMs))}
        </Fact>
        <Fact name="Cost of a query">
          {formatCount(limits.maxCost)}; {formatCount(limits.cellsPerRead)} cells are one read more
        </Fact>
        <Fact name="Depth, root fields, aliases">
          {limits.maxDepth}, {limits.maxRootFields}, {limits.maxAliases}
        </Fact>
        <Fact name="Filter: depth, comparisons, values of _in">
          {limits.maxFilterDepth}, {limits.maxPredicates}, {formatCount(limits.maxInValues)}
        </Fact>
        <Fact name="Sort keys">{limits.maxSortKeys}</Fact>
        <Fact name="Subscriptions of one key">{formatCount(limits.maxSubscriptions)}</Fact>
      </dl>
    </section>
  );
}

const EVERY_MS = 10_000;

/** How the server is doing, as admins are told. */
export function useServerStatus(isAdmin: boolean): Status | undefined {
  const key = useSession((session) => session.key);
  const { data } = useQuery({
    queryKey: ['server status', key],
    enabled: isAdmin,
    queryFn: ({ signal }) => request(PlaygroundServerStatusDocument, {}, signal),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return data?.server.status;
}

const STORES: Record<Status['store'], string> = {
  SQLITE: 'SQLite, beside the server',
  POSTGRESQL: 'PostgreSQL',
};

/** The store and the memory of answers. */
export function StatusCards({ status }: { status: Status }): ReactElement {
  return (
    <section className="card" aria-labelledby="cache">
      <h2 id="cache">Store and cache</h2>
      <dl className="facts">
        <Fact name="Store">
          {STORES[status.store]}, version {status.storeVersion}
        </Fact>
        {status.storeBytes !== null && (
          <Fact name="All workspaces take">{formatBytes(Number(status.storeBytes))}</Fact>
        )}
        <Fact name="Answers from memory">
          {formatCount(status.cacheHits)} of{' '}
          {formatCount(BigInt(status.cacheHits) + BigInt(status.cacheMisses))}
          {hitShare(status)}
        </Fact>
        <Fact name="Answers in memory">
          {formatCount(status.cacheEntries)}, {formatBytes(Number(status.cacheBytes))} of{' '}
          {formatBytes(Number(status.maxCacheBytes))}
        </Fact>
        <Fact name="Documents with plans">{formatCount(status.knownDocuments)}</Fact>
        <Fact name="Slow requests">
          {formatCount(status.slowRequests.length)} over{' '}
          {formatMilliseconds(Number(status.slowAfterMs))}
        </Fact>
      </dl>
    </section>
  );
}

/** The requests that took longest lately, whoever sent them. */
export function SlowRequests({ status }: { status: Status }): ReactElement | null {
  const rows = status.slowRequests.slice(0, 20).map((slow) => ({
    ...slow,
    key: `${slow.requestId} ${slow.sha256} ${slow.at}`,
    name: slow.operationName ?? slow.fields.join(', '),
    ms: slow.milliseconds,
  }));
  return <SlowTable id="slow-requests" title="Slow requests of the workspace" rows={rows} />;
}
