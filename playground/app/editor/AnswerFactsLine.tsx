import type { ReactElement } from 'react';
import { formatBytes, formatCount, formatMilliseconds } from '../format';
import type { AnswerFacts } from './answers';

/** What an answer took, as short as it goes; more is told where it is pointed at. */
export function AnswerFactsLine(props: { facts: AnswerFacts; isLive: boolean }): ReactElement {
  const { ms, bytes, cost, cache, requestId } = props.facts;
  const cached = Object.entries(cache);
  return (
    <span
      className="answer-facts hint"
      {...(requestId !== null && { title: `Request ${requestId}` })}
    >
      <span>
        {formatMilliseconds(ms)}
        {props.isLive && ' to the first answer'}
      </span>
      {bytes !== null && <span>{formatBytes(bytes)}</span>}
      {cost !== null && (
        <span title="Fields times rows that the query might answer; the server bounds it">
          cost {formatCount(cost)}
        </span>
      )}
      {cached.length > 0 && (
        <span
          className="answer-cache"
          title={cached.map(([field, state]) => `${field}: ${state}`).join('\n')}
        >
          cache {cacheText(cached.map(([, state]) => state))}
        </span>
      )}
    </span>
  );
}

function cacheText(states: string[]): string {
  const [first] = states;
  if (states.every((state) => state === first)) return first ?? '';
  const nHits = states.filter((state) => state === 'HIT').length;
  return `${nHits} of ${states.length} HIT`;
}
