import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { request } from '../api/graphql';
import {
  PlaygroundSavedQueriesDocument,
  type PlaygroundSavedQueryFieldsFragment,
} from '../api/operations';
import { mayAsk, useSession } from '../session/session';

/** A document that answers at an address of its own. */
export type SavedQuery = PlaygroundSavedQueryFieldsFragment;

/** The first part of the keys of all that is read of saved queries. */
export const QUERIES_QUERY_KEY = 'saved-queries';

/** The saved queries that this key may run, by name. */
export function useSavedQueries(): UseQueryResult<SavedQuery[]> {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  return useQuery({
    queryKey: [QUERIES_QUERY_KEY, key],
    enabled: isEnabled,
    queryFn: async ({ signal }) =>
      (await request(PlaygroundSavedQueriesDocument, {}, signal)).savedQueries,
    placeholderData: keepPreviousData,
  });
}
