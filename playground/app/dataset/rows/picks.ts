import { useState } from 'react';
import type { GridGutter } from '../../grid/types';
import type { RowId } from './changes';
import type { RowStore } from './row-store';

/** So many rows can be picked, and deleted, at once. */
export const MAX_PICKED_ROWS = 1_000;

export interface Picks {
  ids: ReadonlySet<RowId>;
  gutter: Pick<GridGutter, 'isPicked' | 'onPick'>;
  clear: () => void;
}

/** Rows that were picked, by their keys: they stay picked in another order. */
export function usePicks(store: RowStore, onTooMany: (problem: string) => void): Picks {
  const [ids, setIds] = useState<ReadonlySet<RowId>>(new Set());
  const [lastIndex, setLastIndex] = useState(0);
  function pick(changed: readonly RowId[], isPicked: boolean): void {
    const next = new Set(ids);
    for (const id of changed) {
      if (isPicked) next.add(id);
      else next.delete(id);
    }
    if (next.size > MAX_PICKED_ROWS) onTooMany(`At most ${MAX_PICKED_ROWS} rows can be picked.`);
    else setIds(next);
  }
  return {
    ids,
    clear: () => setIds(new Set()),
    gutter: {
      isPicked: (index) => {
        const row = store.rowAt(index);
        return row !== undefined && ids.has(row['id']);
      },
      onPick: (index, isPicked, isRange) => {
        setLastIndex(index);
        if (!isRange) {
          pick([store.rowAt(index)?.['id']], isPicked);
          return;
        }
        const first = Math.min(lastIndex, index);
        const last = Math.min(Math.max(lastIndex, index), first + MAX_PICKED_ROWS);
        void store
          .load(first, last)
          .then((rows) =>
            pick(
              rows.map((row) => row['id']),
              isPicked,
            ),
          )
          .catch(() => undefined);
      },
    },
  };
}
