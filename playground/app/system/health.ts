import { useQuery } from '@tanstack/react-query';

export interface Health {
  /** Whether requests can be answered now. */
  isReady: boolean;
  /** In the server's words: ready, starting or stopping, database away. */
  status: string;
  ms: number;
}

const EVERY_MS = 10_000;
const WITHIN_MS = 5_000;

/** What `/readyz` says, asked for now and then; the network's absence is an answer, too. */
export function useHealth(): Health | undefined {
  return useQuery({
    queryKey: ['health'],
    queryFn: health,
    refetchInterval: EVERY_MS,
    staleTime: 0,
    // It is asked exactly when the server may be away.
    networkMode: 'always',
  }).data;
}

async function health(): Promise<Health> {
  const beganMs = performance.now();
  const elapsed = () => performance.now() - beganMs;
  try {
    const response = await fetch('/readyz', {
      cache: 'no-store',
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    const body = (await response.json().catch(() => null)) as { status?: unknown } | null;
    const status = typeof body?.status === 'string' ? body.status : `HTTP ${response.status}`;
    return { isReady: response.ok, status, ms: elapsed() };
  } catch {
    return { isReady: false, status: 'no answer', ms: elapsed() };
  }
}
