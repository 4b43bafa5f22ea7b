import { useState, type ReactElement } from 'react';
import { request } from '../../api/graphql';
import { PlaygroundReplayDeliveryDocument } from '../../api/operations';
import { countOf } from '../../format';
import { Busy } from '../../shell/Busy';
import { useChange } from '../change';
import { AgePager } from '../Pager';
import { Problem } from '../../shell/Problem';
import { formatInstant } from '../time';
import { useDeliveries, type Delivery } from './webhooks';

/** What a webhook was told and is to be told, newest first. */
export function Deliveries(props: { dataset: string; webhook: string }): ReactElement {
  const [page, setPage] = useState(0);
  const { data, error, refetch } = useDeliveries(props.dataset, props.webhook, page);
  if (error && !data) return <Problem error={error} onRetry={() => void refetch()} />;
  if (!data) return <Busy label="Loading the deliveries" />;
  if (data.deliveries.length === 0 && page === 0) {
    return <p className="hint">Nothing has happened yet that it would be told.</p>;
  }
  return (
    <div className="deliveries">
      <ul className="entries" aria-label="Deliveries">
        {data.deliveries.map((delivery) => (
          <DeliveryCard key={delivery.id} delivery={delivery} />
        ))}
      </ul>
      <AgePager label="deliveries" page={page} hasMore={data.hasMore} isCompact onPage={setPage} />
    </div>
  );
}

const STATUS = {
  PENDING: { words: 'waits', tone: undefined },
  DELIVERED: { words: 'taken', tone: 'good' },
  FAILED: { words: 'given up', tone: 'bad' },
} as const;

function DeliveryCard({ delivery }: { delivery: Delivery }): ReactElement {
  const { id, event, status, attempts, responseStatus, error, nextTryAt } = delivery;
  const replay = useChange(async () => {
    await request(PlaygroundReplayDeliveryDocument, { id });
    return null;
  });
  const facts = [
    formatInstant(delivery.createdAt),
    attempts > 0 && countOf(attempts, 'attempt'),
    responseStatus !== null && `answered with HTTP ${responseStatus}`,
    status === 'PENDING' && nextTryAt !== null && `tried again ${formatInstant(nextTryAt)}`,
    delivery.replayOf !== null && 'sent once more',
  ].filter(Boolean);
  return (
    <li className="entry">
      <div className="entry-title">
        <code>{event}</code>
        <span className="fact-tag" data-tone={STATUS[status].tone}>
          {STATUS[status].words}
        </span>
        <span className="hint">{facts.join(', ')}</span>
        <span className="spacer" />
        {status !== 'PENDING' && (
          <button
            type="button"
            className="button compact"
            disabled={replay.isRunning}
            onClick={() => void replay.run(undefined)}
          >
            Send once more
          </button>
        )}
      </div>
      {error !== null && <p className="failure">{error}</p>}
      <Problem error={replay.error} />
      <details>
        <summary>What is sent</summary>
        <pre tabIndex={0}>
          <code>{JSON.stringify(delivery.body, null, 2)}</code>
        </pre>
      </details>
    </li>
  );
}
