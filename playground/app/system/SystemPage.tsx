import { Link } from '@tanstack/react-router';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactElement } from 'react';
import { request } from '../api/graphql';
import { useLive } from '../api/live';
import { useMe } from '../api/me';
import { useMeter } from '../api/meter';
import { PlaygroundSystemDocument, type PlaygroundSystemQuery } from '../api/operations';
import { countOf, formatBytes, formatCount, formatMilliseconds } from '../format';
import { mayAsk, useSession } from '../session/session';
import { Busy } from '../shell/Busy';
import { Problem } from '../shell/Problem';
import { When } from '../shell/When';
import { Explain } from './Explain';
import { useHealth } from './health';
import { Fact } from './JobDetails';
import { SlowTable } from './SlowTable';
import { ServerCards, SlowRequests, StatusCards, useServerStatus } from './ServerCards';
import './system.css';

const EVERY_MS = 30_000;

/** How the server is, what the workspace holds, and what is slow. */
export default function SystemPage(): ReactElement {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  const system = useQuery({
    queryKey: ['system', key],
    enabled: isEnabled,
    queryFn: ({ signal }) => request(PlaygroundSystemDocument, {}, signal),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  const { isAdmin } = useMe();
  const status = useServerStatus(isAdmin);
  return (
    <div className="room">
      <div className="room-title">
        <h1>System</h1>
      </div>
      <div className="cards">
        <HealthCard />
        <KeyCard />
        {system.data && <WorkspaceCard workspace={system.data.workspace} />}
        <ServerCards />
        {status && <StatusCards status={status} />}
      </div>
      {system.isPending && <Busy label="Loading the figures" />}
      {system.isError && <Problem error={system.error} />}
      {system.data && <Sizes datasets={system.data.datasets} />}
      {status && <SlowRequests status={status} />}
      <Slowest />
      {isAdmin && <Explain />}
    </div>
  );
}

function HealthCard(): ReactElement {
  const health = useHealth();
  const isLost = useLive((live) => live.isLost);
  return (
    <section className="card" aria-labelledby="health">
      <h2 id="health">Health</h2>
      <dl className="facts">
        <Fact name="Server and database">
          <span role="status">
            {health === undefined ? (
              'asking'
            ) : (
              <span className="tag" data-tone={health.isReady ? 'good' : 'bad'}>
                {health.status}
              </span>
            )}
          </span>
        </Fact>
        <Fact name="Answers in">
          {health?.isReady ? formatMilliseconds(health.ms) : 'not at all'}
        </Fact>
        <Fact name="Live updates">{isLost ? 'seeking the connection' : 'at hand'}</Fact>
        <Fact name="API">
          <span className="mono">{location.origin}/graphql</span>
        </Fact>
      </dl>
    </section>
  );
}

function KeyCard(): ReactElement {
  const { name, scope, role, datasets } = useMe();
  const rate = useMeter((meter) => meter.rate);
  const nRequests = useMeter((meter) => meter.nRequests);
  return (
    <section className="card" aria-labelledby="this-key">
      <h2 id="this-key">Your key</h2>
      <dl className="facts">
        <Fact name="Key">
          <span className="mono">{name}</span>, scope {scope}
          {role !== null && `, role ${role}`}
        </Fact>
        {datasets !== null && <Fact name="Only for">{datasets.join(', ')}</Fact>}
        {rate && (
          <>
            <Fact name="Requests at once">
              at most {formatCount(rate.limit)}, {formatCount(rate.remaining)} left
            </Fact>
            <Fact name="All again in">{countOf(rate.resetSeconds, 'second')}</Fact>
          </>
        )}
        <Fact name="Asked by this tab">{countOf(nRequests, 'request')}</Fact>
      </dl>
    </section>
  );
}

function WorkspaceCard(props: { workspace: PlaygroundSystemQuery['workspace'] }): ReactElement {
  const { workspace } = props;
  return (
    <section className="card" aria-labelledby="workspace">
      <h2 id="workspace">Workspace {workspace.name}</h2>
      <dl className="facts">
        <Fact name="Datasets">
          <Used used={workspace.datasetCount} most={workspace.maxDatasets} text={formatCount} />
        </Fact>
        <Fact name="Rows">
          <Used used={workspace.rowCount} most={workspace.maxRows} text={formatCount} />
        </Fact>
        <Fact name="Size">
          <Used
            used={workspace.sizeBytes}
            most={workspace.maxBytes}
            text={(count) => formatBytes(Number(count))}
          />
        </Fact>
        <Fact name="Revision">
          {formatCount(workspace.revision)}, of the schema {formatCount(workspace.schemaRevision)}
        </Fact>
        <Fact name="Read without a key">
          {workspace.publicRead ? 'everything' : workspace.publicDatasets.join(', ') || 'nothing'}
        </Fact>
      </dl>
    </section>
  );
}

/** So much of so much; the bar only where there is a bound. */
function Used(props: {
  used: string | number;
  most: string | number | null;
  text: (count: string | number) => string;
}): ReactElement {
  const { used, most, text } = props;
  if (most === null) return <>{text(used)}, no bound</>;
  return (
    <>
      {text(used)} of {text(most)}
      <meter
        min={0}
        max={Math.max(1, Number(most))}
        high={Number(most) * 0.9}
        value={Number(used)}
        aria-label={`${text(used)} of ${text(most)}`}
      />
    </>
  );
}

function Sizes({ datasets }: { datasets: PlaygroundSystemQuery['datasets'] }): ReactElement {
  if (datasets.length === 0) return <p className="hint">There are no datasets.</p>;
  return (
    <section aria-labelledby="sizes">
      <h2 id="sizes">What takes room</h2>
      <table className="table" aria-labelledby="sizes">
        <thead>
          <tr>
            <th>Dataset</th>
            <th className="number">Size</th>
            <th className="number">Rows</th>
            <th className="number">Indexes</th>
            <th className="number">Refused</th>
            <th className="number">Version</th>
            <th>Published</th>
          </tr>
        </thead>
        <tbody>
          {datasets.map((dataset) => (
            <tr key={dataset.name}>
              <td>
                <Link to="/datasets/$name" params={{ name: dataset.name }}>
                  {dataset.name}
                </Link>
              </td>
              <td className="number" data-label="Size">
                {formatBytes(Number(dataset.sizeBytes))}
              </td>
              <td className="number" data-label="Rows">
                {formatCount(dataset.rowCount)}
              </td>
              <td className="number" data-label="Indexes">
                {dataset.indexes.length}
              </td>
              <td className="number" data-label="Refused">
                {formatCount(dataset.rejectCount)}
              </td>
              <td className="number" data-label="Version">
                {dataset.version}
              </td>
              <td data-label="Published">
                <When at={dataset.updatedAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Slowest(): ReactElement | null {
  const slowest = useMeter((meter) => meter.slowest);
  const rows = slowest.slice(0, 8).map((timing) => ({
    ...timing,
    key: `${timing.atMs} ${timing.name} ${timing.ms}`,
    at: new Date(timing.atMs).toISOString(),
  }));
  return <SlowTable id="slowest" title="The slowest requests of this tab" rows={rows} />;
}
