import type { PlaygroundRejectsQuery } from '../../api/operations';

/** A row that a load refused; one that is kept has an id. */
export type Reject = NonNullable<PlaygroundRejectsQuery['dataset']>['rejects'][number] & {
  id: string;
};

/** What was written into the cells of rejects, by reject and by field. */
export type Drafts = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The cells that a draft changes, as the API takes them: an empty box is no value. */
export function correctionOf(
  reject: Reject,
  draft: ReadonlyMap<string, string> | undefined,
): { id: string; cells: { column: string; value: string | null }[] } {
  const cells = reject.cells.flatMap(({ name, value }) => {
    const text = draft?.get(name);
    if (text === undefined || text === (value ?? '')) return [];
    return [{ column: name, value: text === '' ? null : text }];
  });
  return { id: reject.id, cells };
}

/** The rejects in which all words stand somewhere. */
export function rejectsWith(rejects: readonly Reject[], search: string): Reject[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rejects.filter(({ row, column, value, reason, cells }) => {
    const text = [row, column, value, reason, ...cells.map((cell) => cell.value ?? '')]
      .join('\n')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
