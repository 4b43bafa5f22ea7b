import { useQuery, type UseQueryResult } from '@tanstack/react-query';
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

/** The snippets at an address of the server; `queryKey` names them and what they are made of. */
export function useSnippets(path: string, queryKey: readonly unknown[]): UseQueryResult<Snippet[]> {
  return useQuery({
    queryKey: [...queryKey, 'snippets'],
    queryFn: async ({ signal }) => {
      const told = await readText(path, signal);
      return (JSON.parse(told) as { snippets: Snippet[] }).snippets;
    },
    placeholderData: (before) => before,
  });
}
