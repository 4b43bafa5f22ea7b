import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { mayAsk, useSession } from '../session/session';
import { request } from './graphql';
import { PlaygroundMeDocument, type PlaygroundMeQuery, type Scope } from './operations';

export type { Scope };

/** Who asks, and what the screens may offer to them. Nothing is offered before it is known. */
export interface Me {
  isKnown: boolean;
  scope: Scope | null;
  /** The part of the key that may be shown. */
  name: string;
  /** The role whose policies hold for the key. */
  role: string | null;
  /** The only datasets that the key is for; null for all. */
  datasets: readonly string[] | null;
  workspace: { id: string; name: string } | null;
  /** May change rows. */
  canWrite: boolean;
  /** May load files, and change and drop datasets. */
  canUpload: boolean;
  /** May make keys and policies. */
  isAdmin: boolean;
}

/** Each includes the ones before it. */
const SCOPES: readonly Scope[] = ['QUERY', 'READ', 'WRITE', 'UPLOAD', 'ADMIN'];

export const ME_QUERY_KEY = 'me';

export function useMe(): Me {
  const key = useSession((session) => session.key);
  const isEnabled = useSession(mayAsk);
  const { data } = useQuery({
    queryKey: [ME_QUERY_KEY, key],
    enabled: isEnabled,
    queryFn: ({ signal }) => request(PlaygroundMeDocument, {}, signal),
    staleTime: 60_000,
    // When a session ends, the page behind the sign-in form stays as it is.
    placeholderData: keepPreviousData,
  });
  return meOf(data);
}

export function meOf(data: PlaygroundMeQuery | undefined): Me {
  const scope = data?.me.scope ?? null;
  const may = (wanted: Scope) => scope !== null && SCOPES.indexOf(scope) >= SCOPES.indexOf(wanted);
  return {
    isKnown: data !== undefined,
    scope,
    name: data?.me.keyPrefix ?? '',
    role: data?.me.role ?? null,
    datasets: data?.me.datasets ?? null,
    workspace: data?.workspace ?? null,
    canWrite: may('WRITE'),
    canUpload: may('UPLOAD'),
    isAdmin: may('ADMIN'),
  };
}
