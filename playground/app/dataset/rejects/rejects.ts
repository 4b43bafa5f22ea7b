import { useQuery } from '@tanstack/react-query';
import { ROWS_QUERY_KEY, type Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundRejectsDocument } from '../../api/operations';
import { readText } from '../../api/rest';
import { download } from '../../download';
import { countOf, formatCount } from '../../format';
import { rejectsWith, type Reject } from './corrections';

export const PAGE_REJECTS = 100;
/** The API finds no rejects by their words: they are read and looked through here, so many. */
export const MAX_SEARCHED = 10_000;
const SEARCHED_AT_ONCE = 1_000;

/** The rejects of a page: of all, or of those that a search has found. */
export interface RejectList {
  /** Undefined until they are there. */
  rejects: Reject[] | undefined;
  /** The page that they are, where there is none so far behind. */
  page: number;
  /** How many there are on all pages. */
  count: number;
  /** How many were looked through; null where nothing is searched for. */
  nSearched: number | null;
  error: Error | null;
  onRetry: () => void;
}

/** `count` is the number of all rejects, as the dataset tells it. */
export function useRejects(
  { name, version }: Dataset,
  count: string,
  search: string,
  page: number,
): RejectList {
  const isSearch = search.trim() !== '';
  const nAll = Number(count);
  const allPage = pageWithin(page, nAll);
  // Rejects go without a new version, too: their number tells.
  const key = [ROWS_QUERY_KEY, name, version, 'rejects', count];
  const onPage = useQuery({
    queryKey: [...key, allPage],
    enabled: !isSearch,
    queryFn: ({ signal }) => readRejects(name, PAGE_REJECTS, allPage * PAGE_REJECTS, signal),
    placeholderData: (before) => before,
  });
  const all = useQuery({
    queryKey: [...key, 'all'],
    enabled: isSearch,
    queryFn: ({ signal }) =>
      inBlocks(Math.min(nAll, MAX_SEARCHED), (limit, offset) =>
        readRejects(name, limit, offset, signal),
      ),
  });
  const asked = isSearch ? all : onPage;
  const found = isSearch && all.data ? rejectsWith(all.data, search) : undefined;
  const nFound = isSearch ? (found?.length ?? 0) : nAll;
  const shownPage = pageWithin(page, nFound);
  return {
    rejects: isSearch
      ? found?.slice(shownPage * PAGE_REJECTS, (shownPage + 1) * PAGE_REJECTS)
      : onPage.data,
    page: shownPage,
    count: nFound,
    nSearched: isSearch && all.data ? all.data.length : null,
    error: asked.data ? null : asked.error,
    onRetry: () => void asked.refetch(),
  };
}

function pageWithin(page: number, count: number): number {
  return Math.min(page, Math.max(0, Math.ceil(count / PAGE_REJECTS) - 1));
}

/** Reads so many items, block by block; fewer where they end before. */
export async function inBlocks<Item>(
  n: number,
  read: (limit: number, offset: number) => Promise<Item[]>,
): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < n) {
    const limit = Math.min(SEARCHED_AT_ONCE, n - items.length);
    const block = await read(limit, items.length);
    items.push(...block);
    if (block.length < limit) break;
  }
  return items;
}

async function readRejects(
  dataset: string,
  limit: number,
  offset: number,
  signal: AbortSignal,
): Promise<Reject[]> {
  const answer = await request(PlaygroundRejectsDocument, { dataset, limit, offset }, signal);
  return (answer.dataset?.rejects ?? []).filter((reject): reject is Reject => reject.id !== null);
}

/** What a search has found, and in how many of the rejects, in a sentence. */
export function foundInWords(nFound: number, nSearched: number, nAll: number): string {
  const found = `${formatCount(nFound)} found`;
  return nSearched < nAll
    ? `${found} in the first ${formatCount(nSearched)} of ${countOf(nAll, 'reject')}; those behind are not searched. Download them to search all.`
    : `${found} in all ${countOf(nAll, 'reject')}.`;
}

/** Gives the reader all rejects as CSV; a plain link could not carry the key. */
export async function downloadRejects(dataset: string): Promise<void> {
  const text = await readText(`/rejects/${encodeURIComponent(dataset)}.csv`);
  download(`${dataset}-rejects.csv`, 'text/csv', text);
}
