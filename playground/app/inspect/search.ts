/** The part of the address that says which sheet is looked at. */
export interface LoadSearch {
  sheet?: string;
}

export function readLoadSearch(search: Record<string, unknown>): LoadSearch {
  const { sheet } = search;
  return typeof sheet === 'string' || typeof sheet === 'number' ? { sheet: String(sheet) } : {};
}
