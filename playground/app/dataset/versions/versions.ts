import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundDiffDocument, PlaygroundVersionsDocument } from '../../api/operations';
import type { VersionPair } from '../search';
import type { Diff, Version } from './diff';

export const PAGE_VERSIONS = 50;
export const PAGE_ROWS = 50;

/** A page of versions, newest first, and whether more follow. */
export function useVersions(
  { name, version }: Dataset,
  page: number,
): UseQueryResult<{ versions: Version[]; hasMore: boolean }> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'versions', page],
    queryFn: async ({ signal }) => {
      const { datasetVersions } = await request(
        PlaygroundVersionsDocument,
        { name, limit: PAGE_VERSIONS + 1, offset: page * PAGE_VERSIONS },
        signal,
      );
      return {
        versions: datasetVersions.slice(0, PAGE_VERSIONS),
        hasMore: datasetVersions.length > PAGE_VERSIONS,
      };
    },
    placeholderData: (before) => before,
  });
}

export function useDiff({ name }: Dataset, pair: VersionPair, page: number): UseQueryResult<Diff> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, 'diff', pair, page],
    queryFn: async ({ signal }) =>
      (
        await request(
          PlaygroundDiffDocument,
          { name, ...pair, limit: PAGE_ROWS, offset: page * PAGE_ROWS },
          signal,
        )
      ).datasetDiff,
    // What was, stays; only history lets go of it.
    staleTime: Infinity,
  });
}
