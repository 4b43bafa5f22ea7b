import { requestAs } from '../api/graphql';
import { useSession } from './session';

let isAsking = false;

/** Finds out whether the server answers without a key, where there is none. */
export function watchVisitor(): void {
  askOnce();
  useSession.subscribe(askOnce);
}

function askOnce(): void {
  const { key, isSigningIn, isVisitor } = useSession.getState();
  if (key !== null || isSigningIn || isVisitor !== null || isAsking) return;
  isAsking = true;
  requestAs(null, '{ me { scope } }')
    .then(
      () => tell(true),
      () => tell(false),
    )
    .finally(() => (isAsking = false));
}

function tell(isVisitor: boolean): void {
  // Somebody may have signed in meanwhile.
  if (useSession.getState().isVisitor === null) useSession.setState({ isVisitor });
}
