import { useMe, type Scope } from '../api/me';
import { includes } from './scope';

/**
 * Whether the key has this scope. False until it is known, so that nobody sees a control that the
 * server would refuse.
 */
export function useMay(needed: Scope): boolean {
  return includes(useMe().scope, needed);
}
