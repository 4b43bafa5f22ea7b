import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { DATASETS_QUERY_KEY, ROWS_QUERY_KEY } from '../api/catalog';
import { schemaChanged } from '../editor/requests';
import { followJob, type DatasetJob } from './job';

/** A change of a dataset on its way: what it does now, and why it failed. */
export interface Change<Input> {
  /** Carries it out. False when it failed; else the job that did it, null where none was needed. */
  run: (input: Input) => Promise<DatasetJob | null | false>;
  /** As `run`, but throws why it failed: for who shows that itself. */
  mustRun: (input: Input) => Promise<DatasetJob | null>;
  isRunning: boolean;
  /** The job that does it, while it runs. */
  job: DatasetJob | null;
  error: Error | null;
  /** What was wanted when it failed. */
  failed: Input | null;
  reset: () => void;
}

/**
 * A change of a dataset: sends it, follows its job, and has everything that shows the dataset read
 * anew before it says that it is done.
 */
export function useChange<Input>(
  act: (input: Input) => Promise<DatasetJob | null | undefined>,
): Change<Input> {
  const client = useQueryClient();
  const [state, setState] = useState<{
    isRunning: boolean;
    job: DatasetJob | null;
    error: Error | null;
    failed: Input | null;
  }>(IDLE);
  const isMounted = useRef(true);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  const tell = (next: typeof state) => {
    if (isMounted.current) setState(next);
  };

  async function mustRun(input: Input): Promise<DatasetJob | null> {
    tell({ ...IDLE, isRunning: true });
    try {
      const first = await act(input);
      const job = await followJob(first ?? null, (now) =>
        tell({ ...IDLE, isRunning: true, job: now }),
      );
      await refresh(client);
      tell(IDLE);
      return job;
    } catch (error) {
      tell({
        ...IDLE,
        error: error instanceof Error ? error : new Error(String(error)),
        failed: input,
      });
      throw error;
    }
  }
  const run = (input: Input) => mustRun(input).catch(() => false as const);
  const reset = useCallback(() => setState(IDLE), []);
  return { run, mustRun, reset, ...state };
}

const IDLE = { isRunning: false, job: null, error: null, failed: null };

/** Has everything that tells of datasets read anew. */
export async function refresh(client: QueryClient): Promise<void> {
  schemaChanged();
  await client.invalidateQueries({ queryKey: [DATASETS_QUERY_KEY] });
  // By then the list tells the new version; what hangs on the old one need not be waited for.
  void client.invalidateQueries({ queryKey: [ROWS_QUERY_KEY] });
}
