import { useId, useState, type ReactElement } from 'react';
import { request } from '../../api/graphql';
import {
  PlaygroundCreateWebhookDocument,
  PlaygroundUpdateWebhookDocument,
} from '../../api/operations';
import { useChange } from '../change';
import { Problem } from '../../shell/Problem';
import { Secret } from './Secret';
import { EVENT_WORDS, EVENTS, type Webhook, type WebhookEvent } from './webhooks';

/** Makes a webhook, and then shows its secret; or changes one. */
export function WebhookForm(props: {
  dataset: string;
  webhook?: Webhook;
  onDone: () => void;
}): ReactElement {
  const { dataset, webhook } = props;
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [events, setEvents] = useState<readonly WebhookEvent[]>(webhook?.events ?? EVENTS);
  const [description, setDescription] = useState(webhook?.description ?? '');
  const [secret, setSecret] = useState<string | null>(null);
  const id = useId();
  const change = useChange(async () => {
    const wanted = { url: url.trim(), events: EVENTS.filter((event) => events.includes(event)) };
    if (webhook) {
      await request(PlaygroundUpdateWebhookDocument, { id: webhook.id, ...wanted, description });
    } else {
      const { createWebhook } = await request(PlaygroundCreateWebhookDocument, {
        dataset,
        ...wanted,
        description: description === '' ? null : description,
      });
      setSecret(createWebhook.secret);
    }
    return null;
  });
  if (secret !== null) return <Secret secret={secret} onDone={props.onDone} />;
  return (
    <form
      className="dialog-form"
      onSubmit={(event) => {
        event.preventDefault();
        void change.run(undefined).then((job) => {
          if (job !== false && webhook) props.onDone();
        });
      }}
    >
      <label htmlFor={`${id}url`}>Address</label>
      <input
        id={`${id}url`}
        className="input mono"
        type="url"
        autoComplete="off"
        required
        placeholder="https://example.com/hooks/sluice"
        value={url}
        onChange={(event) => {
          setUrl(event.target.value);
          change.reset();
        }}
      />
      <fieldset>
        <legend>Told when</legend>
        {EVENTS.map((event) => (
          <label key={event} className="check-label">
            <input
              type="checkbox"
              checked={events.includes(event)}
              onChange={({ target }) =>
                setEvents(
                  target.checked ? [...events, event] : events.filter((other) => other !== event),
                )
              }
            />
            {EVENT_WORDS[event]}
          </label>
        ))}
      </fieldset>
      <label htmlFor={`${id}description`}>What it is for</label>
      <input
        id={`${id}description`}
        className="input"
        value={description}
        onChange={(event) => setDescription(event.target.value)}
      />
      <Problem error={change.error} />
      <div className="dialog-actions">
        <button
          type="submit"
          className="button primary"
          disabled={change.isRunning || events.length === 0}
        >
          {webhook ? 'Save' : 'Add the webhook'}
        </button>
      </div>
    </form>
  );
}
