import { lazyRouteComponent } from '@tanstack/react-router';
import { seemsUnreachable, useReach } from '../api/reach';

const MAX_TRIES = 5;

/**
 * A screen whose code comes when it is first opened. Where the server is away just then, it is
 * waited for: a failed import must not cost the page its work.
 */
export const room: typeof lazyRouteComponent = ((load: () => Promise<object>, name?: string) =>
  lazyRouteComponent(() => patiently(load), name as never)) as never;

async function patiently<Module>(load: () => Promise<Module>): Promise<Module> {
  for (let nTries = 1; ; nTries += 1) {
    try {
      return await load();
    } catch (error) {
      if (nTries === MAX_TRIES) throw error;
      await seemsUnreachable();
      await reachable();
    }
  }
}

function reachable(): Promise<void> {
  return new Promise((resolve) => {
    if (useReach.getState().isReachable) {
      resolve();
      return;
    }
    const end = useReach.subscribe(({ isReachable }) => {
      if (!isReachable) return;
      end();
      resolve();
    });
  });
}
