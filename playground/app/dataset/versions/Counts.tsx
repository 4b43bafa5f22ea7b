import type { ReactElement } from 'react';
import { formatCount } from '../../format';

/** Rows that came, changed and went; in words for those who do not see the signs. */
export function Counts(props: {
  counts: { insertedCount: string; updatedCount: string; deletedCount: string };
}): ReactElement {
  const { insertedCount, updatedCount, deletedCount } = props.counts;
  const parts = [
    ['inserted', '+', insertedCount],
    ['updated', '~', updatedCount],
    ['deleted', '−', deletedCount],
  ] as const;
  const shown = parts.filter(([, , count]) => count !== '0');
  if (shown.length === 0) return <span className="hint">none</span>;
  return (
    <span className="diff-counts">
      {shown.map(([kind, sign, count]) => (
        <span key={kind} data-kind={kind.toUpperCase()}>
          <span aria-hidden="true">{sign}</span>
          {formatCount(count)}
          <span className="unseen"> {kind} </span>
        </span>
      ))}
    </span>
  );
}
