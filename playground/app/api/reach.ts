import { onlineManager } from '@tanstack/react-query';
import { create } from 'zustand';

/** Whether the server answers. While it does not, queries wait; they go on when it is back. */
export const useReach = create<{ isReachable: boolean }>(() => ({ isReachable: true }));

const PROBE_WITHIN_MS = 5_000;
const PROBE_EVERY_MS = 2_000;
let isProbing = false;

/** Watches the machine's own network. */
export function watchReach(): void {
  window.addEventListener('offline', () => void seemsUnreachable());
  window.addEventListener('online', () => void seemsUnreachable());
}

/**
 * Called when a request got no answer: it may have been that request alone. Resolves when it is
 * known whether the server answers.
 */
export async function seemsUnreachable(): Promise<void> {
  if (isProbing) return;
  const isReachable = await answers();
  set(isReachable);
  if (!isReachable) void seek();
}

/** Asks until the server answers. */
async function seek(): Promise<void> {
  if (isProbing) return;
  isProbing = true;
  try {
    do await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    while (!(await answers()));
    set(true);
  } finally {
    isProbing = false;
  }
}

async function answers(): Promise<boolean> {
  // What the machine itself knows costs no request, and no error on the console.
  if (!navigator.onLine) return false;
  try {
    const response = await fetch('/healthz', {
      cache: 'no-store',
      signal: AbortSignal.timeout(PROBE_WITHIN_MS),
    });
    return response.ok;
  } catch {
    return false;
  }
}

function set(isReachable: boolean): void {
  if (useReach.getState().isReachable === isReachable) return;
  useReach.setState({ isReachable });
  onlineManager.setOnline(isReachable);
}
