import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { newApiError, type GraphQLAnswer } from '../../api/error';
import { authorization, request } from '../../api/graphql';
import { PlaygroundRejectsDocument } from '../../api/operations';
import { download } from '../../download';
import { useSession } from '../../session/session';
import type { Reject } from './corrections';

export const PAGE_REJECTS = 100;

export function useRejects(
  { name, version }: Dataset,
  count: string,
  page: number,
): UseQueryResult<Reject[]> {
  return useQuery({
    // Rejects go without a new version, too: their number tells.
    queryKey: [ROWS_QUERY_KEY, name, version, 'rejects', count, page],
    queryFn: async ({ signal }) => {
      const { dataset } = await request(
        PlaygroundRejectsDocument,
        { dataset: name, limit: PAGE_REJECTS, offset: page * PAGE_REJECTS },
        signal,
      );
      return (dataset?.rejects ?? []).filter((reject): reject is Reject => reject.id !== null);
    },
    placeholderData: (before) => before,
  });
}

/** Gives the reader all rejects as CSV; a plain link could not carry the key. */
export async function downloadRejects(dataset: string): Promise<void> {
  const response = await fetch(`/rejects/${encodeURIComponent(dataset)}.csv`, {
    headers: authorization(useSession.getState().key),
  }).catch(() => null);
  if (response === null) throw newApiError(0, null, null);
  if (!response.ok) {
    const answer = (await response.json().catch(() => null)) as GraphQLAnswer | null;
    throw newApiError(response.status, answer, response.headers.get('x-request-id'));
  }
  download(`${dataset}-rejects.csv`, 'text/csv', await response.text());
}
