import type { ReactElement } from 'react';
import { formatBytes, formatCount } from '../../format';
import type { ColumnDetails } from '../details';

/** Why a column has its type: the sentence, and behind it what was counted and seen. */
export function Evidence({ column }: { column: ColumnDetails }): ReactElement {
  const { reason, counterExample, candidates, samples } = column.evidence;
  const longest = Number(column.statistics.longestBytes);
  return (
    <div className="type-evidence">
      <p>{sentence(reason)}</p>
      {counterExample && !reason.includes(counterExample.text) && (
        <p className="hint">
          Row {formatCount(counterExample.row)} is not {counterExample.against}:{' '}
          <q>{counterExample.text}</q>
        </p>
      )}
      {(candidates.length > 0 || samples.length > 0) && (
        <details>
          <summary>What was found</summary>
          {candidates.length > 0 && (
            <p>
              <strong>Cells by form:</strong>{' '}
              {candidates
                .map(({ candidate, count }) => `${candidate.toLowerCase()} ${formatCount(count)}`)
                .join(', ')}
            </p>
          )}
          {samples.length > 0 && (
            <p>
              <strong>First values:</strong>{' '}
              {samples.map((sample, index) => (
                <span key={index}>
                  {index > 0 && ', '}
                  <code>{sample}</code>
                </span>
              ))}
            </p>
          )}
          {longest > 0 && (
            <p>
              <strong>Longest cell:</strong> {formatBytes(longest)}
            </p>
          )}
        </details>
      )}
    </div>
  );
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
