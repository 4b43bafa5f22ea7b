import { useQuery } from '@tanstack/react-query';
import { request } from '../api/graphql';
import { PlaygroundActiveJobsDocument } from '../api/operations';
import { mayAsk, useSession } from '../session/session';

const EVERY_MS = 15_000;
export const ACTIVE_JOBS_QUERY_KEY = 'active-jobs';

/** How many jobs wait or run; asked for now and then while somebody looks. */
export function useActiveJobCount(): number {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  const { data } = useQuery({
    queryKey: [ACTIVE_JOBS_QUERY_KEY, key],
    enabled: isEnabled,
    queryFn: ({ signal }) => request(PlaygroundActiveJobsDocument, {}, signal),
    refetchInterval: EVERY_MS,
  });
  return data?.jobs.length ?? 0;
}
