import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { DATASETS_QUERY_KEY, ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import {
  PlaygroundRelationsDocument,
  PlaygroundRelationSuggestionsDocument,
  type PlaygroundRelationsQuery,
  type PlaygroundRelationSuggestionsQuery,
} from '../../api/operations';

export type Suggestion = PlaygroundRelationSuggestionsQuery['relationSuggestions'][number];
export type LinkedDataset = PlaygroundRelationsQuery['datasets'][number];
export type Link = LinkedDataset['relations'][number];

/** The relations that the data of a dataset suggest. The server reads the columns, so ask rarely. */
export function useSuggestions(
  { name, version }: Dataset,
  isWanted: boolean,
): UseQueryResult<Suggestion[]> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'relation suggestions'],
    enabled: isWanted,
    queryFn: async ({ signal }) =>
      (await request(PlaygroundRelationSuggestionsDocument, { dataset: name }, signal))
        .relationSuggestions,
    staleTime: Infinity,
  });
}

/** All datasets of the workspace with what links them. */
export function useLinkedDatasets(): UseQueryResult<LinkedDataset[]> {
  return useQuery({
    queryKey: [DATASETS_QUERY_KEY, 'relations'],
    queryFn: async ({ signal }) =>
      (await request(PlaygroundRelationsDocument, {}, signal)).datasets,
  });
}

/** Each relation once, as the dataset tells it whose column refers. */
export function linksOf(datasets: readonly LinkedDataset[]): Link[] {
  return datasets.flatMap(({ name, relations }) => relations.filter(({ from }) => from === name));
}
