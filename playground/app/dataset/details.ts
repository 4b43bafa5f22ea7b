import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../api/catalog';
import { request } from '../api/graphql';
import {
  PlaygroundDatasetDocument,
  PlaygroundSourceDocument,
  type PlaygroundDatasetQuery,
  type PlaygroundSourceQuery,
} from '../api/operations';
import { useMay } from './may';

/** What the catalog knows of a dataset beyond its list: asked for when it is looked at. */
export type DatasetDetails = NonNullable<PlaygroundDatasetQuery['dataset']>;
export type Notice = DatasetDetails['notices'][number];
export type ColumnDetails = DatasetDetails['columns'][number];
export type Relation = DatasetDetails['relations'][number];
export type Index = DatasetDetails['indexes'][number];
export type Source = NonNullable<NonNullable<PlaygroundSourceQuery['dataset']>['source']>;

export const MAX_NOTICES = 1000;

export function useDetails({ name, version }: Dataset): UseQueryResult<DatasetDetails | null> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'details'],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundDatasetDocument, { name, notices: MAX_NOTICES }, signal)).dataset,
    // A new version shows what is known of the one before until its own is there.
    placeholderData: (before) => before,
  });
}

/** The file behind the rows, which only those who may upload are told. */
export function useSource({ name, version }: Dataset): Source | null {
  const isAllowed = useMay('UPLOAD');
  const { data } = useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'source'],
    enabled: isAllowed,
    queryFn: async ({ signal }) =>
      (await request(PlaygroundSourceDocument, { name }, signal)).dataset?.source ?? null,
    staleTime: Infinity,
  });
  return data ?? null;
}
