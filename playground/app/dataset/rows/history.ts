import { create } from 'zustand';
import type { RowId } from './changes';
import type { RowStep, Step } from './steps';

export interface EditHistory {
  past: readonly Step[];
  future: readonly Step[];
}

export const NO_HISTORY: EditHistory = { past: [], future: [] };
const MAX_STEPS = 200;

/** The edits of each dataset; they live as long as the tab. */
export const useHistories = create<Record<string, EditHistory>>(() => ({}));

export function historyOf(dataset: string): EditHistory {
  return useHistories.getState()[dataset] ?? NO_HISTORY;
}

/** What is undone next, or done again. */
export function nextStep(dataset: string, isUndo: boolean): Step | undefined {
  const { past, future } = historyOf(dataset);
  return isUndo ? past.at(-1) : future.at(-1);
}

/** An edit was made: what was undone before cannot be done again. */
export function recordStep(dataset: string, step: Step): void {
  const { past } = historyOf(dataset);
  set(dataset, { past: [...past, step].slice(-MAX_STEPS), future: [] });
}

/** The last edit was taken back, or made again: for these rows, while those are left as they were. */
export function turnStep(
  dataset: string,
  isUndo: boolean,
  done: readonly RowStep[],
  left: readonly RowStep[],
): void {
  const { past, future } = historyOf(dataset);
  const [from, to] = isUndo ? [past, future] : [future, past];
  const step = from.at(-1);
  if (!step) return;
  const part = (rows: readonly RowStep[]) => (rows.length === 0 ? [] : [{ ...step, rows }]);
  const rest = [...from.slice(0, -1), ...part(left)];
  const turned = [...to, ...part(done)];
  set(dataset, isUndo ? { past: rest, future: turned } : { past: turned, future: rest });
}

/** Rows that came back under other keys: steps speak of the new ones from now on. */
export function renameRows(dataset: string, renamed: ReadonlyMap<RowId, RowId>): void {
  if (renamed.size === 0) return;
  const { past, future } = historyOf(dataset);
  const step = ({ label, rows }: Step): Step => ({
    label,
    rows: rows.map((row) => (renamed.has(row.id) ? { ...row, id: renamed.get(row.id) } : row)),
  });
  set(dataset, { past: past.map(step), future: future.map(step) });
}

function set(dataset: string, history: EditHistory): void {
  useHistories.setState({ [dataset]: history });
}
