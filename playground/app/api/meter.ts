import { create } from 'zustand';

/** What the answers to this tab's requests have shown. */
interface Meter {
  /** The key's share of requests, as the last answer told it. */
  rate: { limit: number; remaining: number; resetSeconds: number } | null;
  /** The slowest operations, slowest first. */
  slowest: Timing[];
  nRequests: number;
}

export interface Timing {
  /** The operation's name. */
  name: string;
  ms: number;
  atMs: number;
  requestId: string | null;
  document: string;
}

const N_KEPT = 20;

export const useMeter = create<Meter>(() => ({ rate: null, slowest: [], nRequests: 0 }));

export function measured(timing: Timing, headers: Headers): void {
  const number = (name: string) => Number(headers.get(name) ?? NaN);
  const [limit, remaining, resetSeconds] = ['limit', 'remaining', 'reset'].map((part) =>
    number(`ratelimit-${part}`),
  ) as [number, number, number];
  useMeter.setState(({ rate, slowest, nRequests }) => ({
    rate: Number.isNaN(limit) ? rate : { limit, remaining, resetSeconds },
    slowest: [...slowest, timing].sort((one, other) => other.ms - one.ms).slice(0, N_KEPT),
    nRequests: nRequests + 1,
  }));
}

/** The name of a document's first operation. */
export function operationName(document: string): string {
  return /\b(?:query|mutation|subscription)\s+(\w+)/.exec(document)?.[1] ?? 'unnamed';
}
