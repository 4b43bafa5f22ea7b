import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef, type ReactElement } from 'react';
import { countOf, formatBytes, formatCount } from '../format';
import { Icon } from '../shell/Icon';
import { holdEvent, MAX_EVENTS, type LiveAnswer, type LiveEvent, type LiveState } from './answers';

const STATES: Record<LiveState, string> = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'The connection was lost; trying again…',
  stopped: 'Stopped',
  complete: 'Ended by the server',
  failed: 'Failed',
};

/** What a subscription has been told, each answer with its number and time, and how it goes on. */
export function LiveBar({ tab, live }: { tab: string; live: LiveAnswer }): ReactElement {
  const actions = useGraphiQLActions();
  const responseEditor = useGraphiQL((state) => state.responseEditor);
  const isRunning = ['connecting', 'live', 'reconnecting'].includes(live.state);

  function show(event: LiveEvent): void {
    responseEditor?.setValue(event.text);
    actions.updateActiveTabValues({ response: event.text });
  }
  function hold(event: LiveEvent): void {
    holdEvent(tab, event.number);
    show(event);
  }
  function follow(): void {
    holdEvent(tab, null);
    const newest = live.events.at(-1);
    if (newest) show(newest);
  }

  return (
    <section className="live" aria-label="Subscription">
      <div className="live-head">
        <span className="live-state" data-state={live.state} role="status">
          {STATES[live.state]}
        </span>
        <span className="hint">
          {countOf(live.nEvents, 'answer')}
          {live.nEvents > live.events.length && `, the last ${MAX_EVENTS} are kept`}
        </span>
        <span className="spacer" />
        {live.heldEvent !== null && (
          <button type="button" className="button" onClick={follow}>
            Follow the newest
          </button>
        )}
        {isRunning && (
          <button type="button" className="button" onClick={() => actions.stop()}>
            <Icon name="stop" />
            Stop
          </button>
        )}
      </div>
      {live.events.length > 0 && <Events live={live} onHold={hold} />}
    </section>
  );
}

function Events(props: { live: LiveAnswer; onHold: (event: LiveEvent) => void }): ReactElement {
  const { events, heldEvent, nEvents } = props.live;
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (heldEvent === null) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [heldEvent, nEvents]);
  const shown = heldEvent ?? nEvents;
  return (
    <ol className="live-events" ref={list} aria-label="Answers">
      {events.map((event) => (
        <li key={event.number}>
          <button
            type="button"
            aria-current={event.number === shown}
            data-failed={event.hasErrors}
            onClick={() => props.onHold(event)}
          >
            <span className="live-number">{formatCount(event.number)}</span>
            <time dateTime={event.at.toISOString()}>{timeText(event.at)}</time>
            <span className="live-size">
              {event.hasErrors ? 'error' : formatBytes(event.text.length)}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function timeText(at: Date): string {
  const part = (value: number, width: number) => String(value).padStart(width, '0');
  const seconds = `${part(at.getSeconds(), 2)}.${part(at.getMilliseconds(), 3)}`;
  return `${part(at.getHours(), 2)}:${part(at.getMinutes(), 2)}:${seconds}`;
}
