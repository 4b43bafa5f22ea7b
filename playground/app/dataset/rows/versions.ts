import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { DATASETS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { subscribe } from '../../api/live';
import {
  PlaygroundDatasetChangedDocument,
  PlaygroundDatasetVersionDocument,
} from '../../api/operations';
import { useSession } from '../../session/session';
import type { RowStore } from './row-store';

/** Others may change rows many times a second; so often at most they are read again. */
const REFRESH_EVERY_MS = 1_000;

type RunEdit = <Result>(
  edit: () => Promise<Result>,
  countVersions?: (result: Result) => number,
) => Promise<Result>;
type Told = Pick<Dataset, 'version' | 'rowCount'>;

/**
 * Keeps rows in step with the dataset: a version by somebody else has what is in view read again;
 * one by this tab is known already. Returns what runs an edit, which makes a version of the dataset
 * unless it is told to have made none.
 */
export function useVersions(dataset: Dataset, store: RowStore): RunEdit {
  const { name, version } = dataset;
  const queryClient = useQueryClient();
  const known = useRef(version);
  const nEdits = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const refreshedMs = useRef(0);
  const isDue = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);

  useEffect(() => {
    function hear(told: Told): void {
      if (nEdits.current > 0 || told.version <= known.current) return;
      tell(queryClient, name, told);
      void queryClient.invalidateQueries({ queryKey: [DATASETS_QUERY_KEY] });
    }
    let endAsking = () => {};
    const end = subscribe(
      PlaygroundDatasetChangedDocument,
      { name },
      {
        // Rows may have changed since they were read, while nobody would have told.
        begun: () => {
          endAsking();
          endAsking = subscribe(
            PlaygroundDatasetVersionDocument,
            { name },
            { next: ({ dataset }) => dataset && hear(dataset) },
          );
        },
        next: ({ datasetChanged }) => hear(datasetChanged),
      },
    );
    return () => {
      endAsking();
      end();
    };
  }, [name, queryClient]);

  useEffect(() => {
    if (version === known.current || nEdits.current > 0) return;
    known.current = version;
    clearTimeout(timer.current);
    const waitMs = Math.max(0, refreshedMs.current + REFRESH_EVERY_MS - performance.now());
    timer.current = setTimeout(() => {
      // Rows that are counted during an edit may have it, or not.
      isDue.current = nEdits.current > 0;
      if (isDue.current) return;
      refreshedMs.current = performance.now();
      store.refresh();
    }, waitMs);
  }, [version, store]);

  return useCallback(
    async (edit, countVersions = () => 1) => {
      nEdits.current += 1;
      let nMade = 0;
      isDue.current ||= store.isCounting;
      try {
        const result = await edit();
        nMade = countVersions(result);
        return result;
      } finally {
        const now = await request(PlaygroundDatasetVersionDocument, { name }).catch(() => null);
        nEdits.current -= 1;
        if (isDue.current || (now?.dataset && now.dataset.version > known.current + nMade)) {
          isDue.current = false;
          store.refresh();
        }
        if (now?.dataset) {
          known.current = Math.max(known.current, now.dataset.version);
          tell(queryClient, name, now.dataset);
        }
      }
    },
    [name, queryClient, store],
  );
}

function tell(queryClient: QueryClient, name: string, { version, rowCount }: Told): void {
  // Other rooms keep answers of other shapes under longer keys.
  queryClient.setQueryData<Dataset[]>([DATASETS_QUERY_KEY, useSession.getState().key], (datasets) =>
    datasets?.map((dataset) =>
      dataset.name === name && dataset.version < version
        ? { ...dataset, version, rowCount }
        : dataset,
    ),
  );
}
