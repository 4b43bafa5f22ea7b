import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { request } from '../api/graphql';
import {
  PlaygroundKeysDocument,
  PlaygroundPoliciesDocument,
  PlaygroundWorkspacesDocument,
  type PlaygroundKeyFieldsFragment,
  type PlaygroundPolicyFieldsFragment,
  type PlaygroundWorkspaceFieldsFragment,
} from '../api/operations';
import { useSession } from '../session/session';

export type Key = PlaygroundKeyFieldsFragment;
export type Policy = PlaygroundPolicyFieldsFragment;
export type Workspace = PlaygroundWorkspaceFieldsFragment;

/** The first part of the keys of all that this room reads. */
export const ACCESS_QUERY_KEY = 'access';

export function useKeys(): UseQueryResult<Key[]> {
  const key = useSession((session) => session.key);
  return useQuery({
    queryKey: [ACCESS_QUERY_KEY, key, 'keys'],
    enabled: key !== null,
    queryFn: async ({ signal }) => (await request(PlaygroundKeysDocument, {}, signal)).keys,
    placeholderData: keepPreviousData,
  });
}

export function usePolicies(): UseQueryResult<Policy[]> {
  const key = useSession((session) => session.key);
  return useQuery({
    queryKey: [ACCESS_QUERY_KEY, key, 'policies'],
    enabled: key !== null,
    queryFn: async ({ signal }) => (await request(PlaygroundPoliciesDocument, {}, signal)).policies,
    placeholderData: keepPreviousData,
  });
}

/** All workspaces; null where the key is not the operator's. */
export function useWorkspaces(): UseQueryResult<Workspace[] | null> {
  const key = useSession((session) => session.key);
  return useQuery({
    queryKey: [ACCESS_QUERY_KEY, key, 'workspaces'],
    enabled: key !== null,
    queryFn: async ({ signal }) => {
      try {
        return (await request(PlaygroundWorkspacesDocument, {}, signal)).workspaces;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'FORBIDDEN') return null;
        throw error;
      }
    },
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  });
}
