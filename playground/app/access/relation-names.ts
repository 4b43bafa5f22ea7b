import { useQuery } from '@tanstack/react-query';
import { request } from '../api/graphql';
import { PlaygroundRelationNamesDocument } from '../api/operations';
import { useSession } from '../session/session';

/** The fields of a dataset that lead to others: a filter may go through them. */
export function useRelationNames(dataset: string): string[] {
  const key = useSession((session) => session.key);
  const { data } = useQuery({
    queryKey: ['relation-names', key, dataset],
    enabled: dataset !== '',
    queryFn: ({ signal }) => request(PlaygroundRelationNamesDocument, { name: dataset }, signal),
  });
  // Of a dataset's links to itself, both ends are fields of it.
  return data?.dataset?.relations.flatMap(({ name, inverseName }) => [name, inverseName]) ?? [];
}
