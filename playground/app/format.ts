/** Numbers and sizes as people read them. Counts come as text (BigInt) and stay exact. */

const wholeNumber = new Intl.NumberFormat('en');
const oneDecimal = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function formatCount(count: string | number | bigint): string {
  return wholeNumber.format(typeof count === 'string' ? BigInt(count) : count);
}

/** `1 row`, `2 rows`. */
export function countOf(count: string | number | bigint, noun: string): string {
  return `${formatCount(count)} ${noun}${String(count) === '1' ? '' : 's'}`;
}

export function formatBytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = n;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : oneDecimal.format(size)} ${units[unit] ?? ''}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 1) return 'under a second';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${oneDecimal.format(seconds / 3600)} h`;
}

export function formatMilliseconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${oneDecimal.format(ms / 1000)} s`;
}
