import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { readText } from '../../api/rest';

/** Code for one tool, as the server writes it. */
export interface Snippet {
  kind: string;
  label: string;
  language: string;
  code: string;
}

/** What to do with the key, where the code itself cannot say it. */
export const KEY_HINTS: Record<string, string> = {
  'power-query': 'Put your key where it says so; it stays in the workbook.',
  'google-sheets': 'Make your key the script property SLUICE_KEY.',
};
export const KEY_HINT = 'Put your key into the environment variable SLUICE_KEY.';

export function useSnippets({ name, version }: Dataset): UseQueryResult<Snippet[]> {
  return useQuery({
    queryKey: [ROWS_QUERY_KEY, name, version, 'snippets'],
    queryFn: async ({ signal }) => {
      const told = await readText(`/snippets/${encodeURIComponent(name)}`, signal);
      return (JSON.parse(told) as { snippets: Snippet[] }).snippets;
    },
    placeholderData: (before) => before,
  });
}
