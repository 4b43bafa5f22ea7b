import { useState, type ReactElement } from 'react';
import { request } from '../../api/graphql';
import {
  PlaygroundDropWebhookDocument,
  PlaygroundEnableWebhookDocument,
  PlaygroundRotateWebhookSecretDocument,
} from '../../api/operations';
import { formatCount } from '../../format';
import { Busy } from '../../shell/Busy';
import { useChange } from '../change';
import { Modal } from '../Modal';
import { Confirm } from '../../shell/Confirm';
import { Progress } from '../Progress';
import { Problem } from '../../shell/Problem';
import type { TabProps } from '../tabs';
import { formatInstant } from '../time';
import { Deliveries } from './Deliveries';
import { Secret } from './Secret';
import './settings.css';
import { WebhookForm } from './WebhookForm';
import { EVENT_WORDS, useWebhooks, type Webhook } from './webhooks';

/** Who is told when the dataset changes. */
export default function WebhooksTab({ dataset }: TabProps): ReactElement {
  const { data: webhooks, error, refetch } = useWebhooks(dataset.name);
  return (
    <div className="tab-page">
      <div className="tab-bar">
        <Modal
          title="Add a webhook"
          trigger={
            <button type="button" className="button primary">
              Add a webhook
            </button>
          }
        >
          {(close) => <WebhookForm dataset={dataset.name} onDone={close} />}
        </Modal>
        <p className="hint">
          Sluice tells an address of yours by POST, signed with a secret, when rows change.
        </p>
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {!webhooks && !error && <Busy label="Loading the webhooks" />}
      {webhooks?.length === 0 && <p className="nothing">Nobody is told yet.</p>}
      {webhooks && webhooks.length > 0 && (
        <ul className="entries" aria-label="Webhooks">
          {webhooks.map((webhook) => (
            <WebhookCard key={webhook.id} dataset={dataset.name} webhook={webhook} />
          ))}
        </ul>
      )}
    </div>
  );
}

function WebhookCard({ dataset, webhook }: { dataset: string; webhook: Webhook }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const { id, url } = webhook;
  const enable = useChange(async (enabled: boolean) => {
    await request(PlaygroundEnableWebhookDocument, { id, enabled });
    return null;
  });
  const rotate = useChange(async () => {
    const { rotateWebhookSecret } = await request(PlaygroundRotateWebhookSecretDocument, { id });
    setSecret(rotateWebhookSecret.secret);
    return null;
  });
  const drop = useChange(async () => {
    await request(PlaygroundDropWebhookDocument, { id });
    return null;
  });
  return (
    <li className="entry">
      <div className="entry-title">
        <strong>{url}</strong>
        <span className="fact-tag" data-tone={webhook.enabled ? 'good' : 'bad'}>
          {webhook.enabled ? 'enabled' : 'disabled'}
        </span>
        {webhook.pendingCount > 0 && (
          <span className="fact-tag">{formatCount(webhook.pendingCount)} waiting</span>
        )}
      </div>
      {webhook.description !== null && <p>{webhook.description}</p>}
      <p className="hint">
        Told when: {webhook.events.map((event) => EVENT_WORDS[event].toLowerCase()).join('; ')}.
        Made {formatInstant(webhook.createdAt)}
        {webhook.createdBy !== null && ` by ${webhook.createdBy}`}.
      </p>
      {!webhook.enabled && webhook.disabledReason !== null && (
        <p className="failure">{webhook.disabledReason}</p>
      )}
      {webhook.failureCount > 0 && (
        <p className="hint">Given up in a row: {formatCount(webhook.failureCount)}.</p>
      )}
      {secret !== null && <Secret secret={secret} onDone={() => setSecret(null)} />}
      <Problem error={enable.error} />
      <div className="settings-actions">
        <button
          type="button"
          className="button compact"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          Deliveries
        </button>
        <button
          type="button"
          className="button compact"
          disabled={enable.isRunning}
          onClick={() => void enable.run(!webhook.enabled)}
        >
          {webhook.enabled ? 'Disable' : 'Enable'}
        </button>
        <Modal
          title="Change the webhook"
          trigger={
            <button type="button" className="button compact">
              Change
            </button>
          }
        >
          {(close) => <WebhookForm dataset={dataset} webhook={webhook} onDone={close} />}
        </Modal>
        <Confirm
          title="Make a new secret?"
          action="Make a new secret"
          onConfirm={() => rotate.mustRun(undefined)}
          progress={<Progress change={rotate} />}
          trigger={
            <button type="button" className="button compact">
              New secret
            </button>
          }
        >
          <p>
            It signs from the next attempt on. The old one signs nothing any more, so have the new
            one known to {url} at once.
          </p>
        </Confirm>
        <Confirm
          title="Drop the webhook?"
          action="Drop the webhook"
          isDanger
          onConfirm={() => drop.mustRun(undefined)}
          progress={<Progress change={drop} />}
          trigger={
            <button type="button" className="button compact danger">
              Drop
            </button>
          }
        >
          <p>{url} is told nothing any more, and what it was told is forgotten.</p>
        </Confirm>
      </div>
      {isOpen && <Deliveries dataset={dataset} webhook={id} />}
    </li>
  );
}
