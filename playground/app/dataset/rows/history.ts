import { create } from 'zustand';
import type { Change, RowId } from './changes';

/** An edit that was made in this tab, and what takes it back. */
export interface Step {
  /** Such as `Qty of row 12`. */
  label: string;
  redo: Change;
  undo: Change;
}

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

/** An edit was made: what was undone before cannot be done again. */
export function recordStep(dataset: string, step: Step): void {
  const { past } = historyOf(dataset);
  set(dataset, { past: [...past, step].slice(-MAX_STEPS), future: [] });
}

/** The last edit was taken back. */
export function stepBack(dataset: string): void {
  const { past, future } = historyOf(dataset);
  const step = past.at(-1);
  if (step) set(dataset, { past: past.slice(0, -1), future: [...future, step] });
}

/** The edit that was taken back last was made again. */
export function stepForth(dataset: string): void {
  const { past, future } = historyOf(dataset);
  const step = future.at(-1);
  if (step) set(dataset, { past: [...past, step], future: future.slice(0, -1) });
}

/** Rows that came back under other keys: steps speak of the new ones from now on. */
export function renameRows(dataset: string, renamed: ReadonlyMap<RowId, RowId>): void {
  if (renamed.size === 0) return;
  const { past, future } = historyOf(dataset);
  const step = (old: Step): Step => ({
    label: old.label,
    redo: withIds(old.redo, renamed),
    undo: withIds(old.undo, renamed),
  });
  set(dataset, { past: past.map(step), future: future.map(step) });
}

function withIds(change: Change, renamed: ReadonlyMap<RowId, RowId>): Change {
  const now = (id: RowId) => (renamed.has(id) ? renamed.get(id) : id);
  switch (change.kind) {
    case 'update':
      return { kind: 'update', rows: change.rows.map((row) => ({ ...row, id: now(row.id) })) };
    case 'delete':
      return { kind: 'delete', ids: change.ids.map(now) };
    case 'insert':
      return change;
  }
}

function set(dataset: string, history: EditHistory): void {
  useHistories.setState({ [dataset]: history });
}
