import { useEffect, useMemo, useSyncExternalStore } from 'react';
import type { Dataset } from '../../api/catalog';
import type { RowsView } from './document';
import { RowStore, type RowsState } from './row-store';
import { rowSource } from './source';

/** The rows of a view; another filter or order begins anew. */
export function useRows(dataset: Dataset, view: RowsView): { store: RowStore; state: RowsState } {
  const { name, listField, typeName } = dataset;
  const isWhole = view.where === null && view.search === '' && view.asOf === undefined;
  const store = useMemo(
    () => new RowStore(rowSource(dataset, view), isWhole ? Number(dataset.rowCount) : null),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a new version is no new store
    [name, listField, typeName, view],
  );
  useEffect(() => store.start(), [store]);
  const state = useSyncExternalStore(store.subscribe, store.getState);
  return { store, state };
}

/** The same object for the same content, so that what depends on it is not done again. */
export function useStable<T>(value: T): T {
  const text = JSON.stringify(value);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the text stands for the value
  return useMemo(() => value, [text]);
}
