/** The part of the address that says which saved queries are shown. */
export interface QueriesSearch {
  /** Words of their names and descriptions. */
  q?: string;
}

export function readQueriesSearch({ q }: Record<string, unknown>): QueriesSearch {
  const isText = typeof q === 'string' || typeof q === 'number';
  return isText && q !== '' ? { q: String(q) } : {};
}

/** Those that have all words in their names and descriptions. */
export function queriesFound<Query extends { name: string; description: string | null }>(
  queries: readonly Query[],
  words: string,
): Query[] {
  const wanted = words.toLowerCase().split(/\s+/);
  return queries.filter(({ name, description }) => {
    const text = `${name} ${description ?? ''}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
