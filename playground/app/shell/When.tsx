import { useEffect, useState, type ReactElement } from 'react';
import { ago } from './ago';

const EVERY_MS = 30_000;

/** An instant as how long ago it was; the instant itself when pointed at. */
export function When({ at }: { at: string }): ReactElement {
  const nowMs = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(Date.parse(at), nowMs)}
    </time>
  );
}

/** The time, now and then. */
export function useNow(everyMs = EVERY_MS): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
