/**
 * JSON whose numbers keep every digit: a cell of the type JSON may hold a number that JavaScript
 * cannot. Such a number is carried as its text (`JSON.rawJSON`) and written back as it came.
 */

// Newer than the library that TypeScript knows; browsers without it read numbers as ever.
interface NewerJson {
  rawJSON?: (text: string) => object;
  isRawJSON?: (value: unknown) => boolean;
}
const newer = JSON as unknown as NewerJson;

export function parseExactly(text: string): unknown {
  const { rawJSON } = newer;
  if (rawJSON === undefined) return JSON.parse(text);
  function revive(_name: string, value: unknown, context?: { source?: string }): unknown {
    if (typeof value !== 'number' || context?.source === undefined || rawJSON === undefined) {
      return value;
    }
    return String(value) === context.source ? value : rawJSON(context.source);
  }
  return JSON.parse(text, revive);
}

/** Whether this is a number that is carried as its text. */
export function isRawNumber(value: unknown): boolean {
  return newer.isRawJSON?.(value) ?? false;
}
