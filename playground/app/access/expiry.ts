/** How long a key works, as people choose it. */
export const LIFETIMES = [
  ['day', 'A day', 1],
  ['week', 'A week', 7],
  ['month', '30 days', 30],
  ['quarter', '90 days', 90],
  ['year', 'A year', 365],
] as const;

export type Lifetime = (typeof LIFETIMES)[number][0] | 'ever' | 'date';

const DAY_MS = 86_400_000;

/** When a key ends; null for never. `date` is what a date field holds, in local time. */
export function endOf(lifetime: Lifetime, date: string, nowMs: number): string | null {
  if (lifetime === 'ever') return null;
  if (lifetime === 'date') {
    // At the end of that day.
    const end = new Date(`${date}T23:59:59`);
    return Number.isNaN(end.getTime()) ? null : end.toISOString();
  }
  const days = LIFETIMES.find(([name]) => name === lifetime)?.[2] ?? 30;
  return new Date(nowMs + days * DAY_MS).toISOString();
}
