import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { mayAsk, useSession } from '../session/session';
import { request } from './graphql';
import {
  PlaygroundDatasetsDocument,
  type ColumnType,
  type PlaygroundDatasetsQuery,
} from './operations';

/** A named, typed table served as GraphQL. BigInts are text. */
export type Dataset = PlaygroundDatasetsQuery['datasets'][number];
export type Column = Dataset['columns'][number];
export type { ColumnType };

export const DATASETS_QUERY_KEY = 'datasets';
export const ROWS_QUERY_KEY = 'rows';

/** The datasets that this key may see, kept fresh when the window is looked at again. */
export function useDatasets(): UseQueryResult<Dataset[]> {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  return useQuery({
    queryKey: [DATASETS_QUERY_KEY, key],
    enabled: isEnabled,
    queryFn: async ({ signal }) => (await request(PlaygroundDatasetsDocument, {}, signal)).datasets,
    // When a session ends, the page behind the sign-in form stays as it is.
    placeholderData: keepPreviousData,
  });
}
