import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../api/catalog';
import { request } from '../api/graphql';
import { PlaygroundDatasetDocument, type PlaygroundDatasetQuery } from '../api/operations';

/** What the catalog knows of a dataset beyond its list: asked for when it is looked at. */
export type DatasetDetails = NonNullable<PlaygroundDatasetQuery['dataset']>;
export type Notice = DatasetDetails['notices'][number];
export type ColumnDetails = DatasetDetails['columns'][number];

export const MAX_NOTICES = 200;

export function useDetails({ name, version }: Dataset): UseQueryResult<DatasetDetails | null> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'details'],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundDatasetDocument, { name, notices: MAX_NOTICES }, signal)).dataset,
    staleTime: Infinity,
  });
}
