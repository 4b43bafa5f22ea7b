import type { ReactElement } from 'react';
import { formatCount } from '../format';

/** From page to page of a list; nothing where one page holds all. */
export function Pager(props: {
  label: string;
  page: number;
  pageSize: number;
  count: number;
  onPage: (page: number) => void;
}): ReactElement | null {
  const { label, page, pageSize, count, onPage } = props;
  if (count <= pageSize) return null;
  const last = Math.min(count, (page + 1) * pageSize);
  return (
    <nav className="list-pager" aria-label={`Pages: ${label}`}>
      <button
        type="button"
        className="button"
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        Previous
      </button>
      <p className="hint" role="status">
        {formatCount(page * pageSize + 1)} to {formatCount(last)} of {formatCount(count)}
      </p>
      <button
        type="button"
        className="button"
        disabled={last >= count}
        onClick={() => onPage(page + 1)}
      >
        Next
      </button>
    </nav>
  );
}

/** The same through a list, newest first, of which it is not known how long it is. */
export function AgePager(props: {
  label: string;
  page: number;
  hasMore: boolean;
  isCompact?: boolean;
  onPage: (page: number) => void;
}): ReactElement | null {
  const { label, page, hasMore, onPage } = props;
  if (page === 0 && !hasMore) return null;
  const className = props.isCompact ? 'button compact' : 'button';
  return (
    <nav className="list-pager" aria-label={`Pages: ${label}`}>
      <button
        type="button"
        className={className}
        disabled={page === 0}
        onClick={() => onPage(page - 1)}
      >
        Newer
      </button>
      <button
        type="button"
        className={className}
        disabled={!hasMore}
        onClick={() => onPage(page + 1)}
      >
        Older
      </button>
    </nav>
  );
}
