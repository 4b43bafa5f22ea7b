/** The part of the reference's address that says what is looked for. */
export interface ReferenceSearch {
  q?: string;
}

export function readReferenceSearch({ q }: Record<string, unknown>): ReferenceSearch {
  const isText = typeof q === 'string' || typeof q === 'number';
  return isText && q !== '' ? { q: String(q) } : {};
}
