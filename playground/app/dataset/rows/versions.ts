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

type Told = Pick<Dataset, 'version' | 'rowCount'>;

/**
 * Keeps rows in step with the dataset: a version by somebody else has what is in view read again;
 * one by this tab is known already. Returns what runs an edit.
 */
export function useVersions(
  dataset: Dataset,
  store: RowStore,
): <Result>(edit: () => Promise<Result>) => Promise<Result> {
  const { name, version } = dataset;
  const queryClient = useQueryClient();
  const known = useRef(version);
  const nEdits = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const refreshedMs = useRef(0);
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
      refreshedMs.current = performance.now();
      store.refresh();
    }, waitMs);
  }, [version, store]);

  return useCallback(
    async (edit) => {
      nEdits.current += 1;
      try {
        return await edit();
      } finally {
        const now = await request(PlaygroundDatasetVersionDocument, { name }).catch(() => null);
        nEdits.current -= 1;
        if (now?.dataset) {
          // An edit is one version, or none when it changed nothing.
          if (now.dataset.version > known.current + 1) store.refresh();
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
