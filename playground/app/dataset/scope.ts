import type { Scope } from '../api/me';

/** What a key may do, each including the ones before it. */
const SCOPES: readonly Scope[] = ['QUERY', 'READ', 'WRITE', 'UPLOAD', 'ADMIN'];

/** Whether a scope includes another; none, while it is not known, includes nothing. */
export function includes(scope: Scope | null, needed: Scope): boolean {
  return scope !== null && SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}
