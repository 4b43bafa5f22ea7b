import { countOf } from '../../format';
import type { Row } from '../../grid/types';
import { MAX_CHANGED_ROWS, MAX_DELETED_ROWS, type Change, type RowId } from './changes';
import { editText, isSameValue } from './values';

/** What an edit did to one row: the cells that it changed, or the whole row that came or went. */
export interface RowStep {
  /** The key under which the row stands now, or stood last. */
  id: RowId;
  /** As the API had it; null for a row that was added. */
  before: Row | null;
  /** Null for a row that was deleted. */
  after: Row | null;
}

/** An edit that was made in this tab: all its rows were changed, or added, or deleted. */
export interface Step {
  /** Such as `Qty of row 12`. */
  label: string;
  rows: readonly RowStep[];
}

/** A row that somebody else has changed since the edit, as it is now; null when it is gone. */
export interface Stray {
  step: RowStep;
  now: Row | null;
}

/** What a row becomes by undoing or redoing, and what it is until then. */
function endsOf(step: RowStep, isUndo: boolean): { from: Row | null; to: Row | null } {
  const { before, after } = step;
  return isUndo ? { from: after, to: before } : { from: before, to: after };
}

/** So many rows of a step are sent at once. */
export function partSize({ rows: [first] }: Step): number {
  return first?.before && first.after ? MAX_CHANGED_ROWS : MAX_DELETED_ROWS;
}

/** Undoes or redoes rows, as it is sent. */
export function changeTo(
  rows: readonly RowStep[],
  isUndo: boolean,
  insertable: ReadonlySet<string>,
): Change {
  const ends = rows.map((step) => ({ id: step.id, ...endsOf(step, isUndo) }));
  if (ends.every(({ to }) => to === null)) return { kind: 'delete', ids: ends.map(({ id }) => id) };
  if (ends.every(({ from }) => from === null)) {
    return { kind: 'insert', rows: ends.map(({ to }) => pickAll(to ?? {}, insertable)) };
  }
  return { kind: 'update', rows: ends.map(({ id, to }) => ({ id, set: to ?? {} })) };
}

/**
 * Whether a row, found by its key, is still as the edit left it: only then may it be taken back
 * unasked. What the server generates is not compared: a row that comes back is given it anew.
 */
export function isAsLeft(
  step: RowStep,
  isUndo: boolean,
  now: Row | undefined,
  insertable: ReadonlySet<string>,
): boolean {
  const { from } = endsOf(step, isUndo);
  if (from === null) return true;
  if (now === undefined) return false;
  const compared = Object.keys(from).filter((field) => field !== 'id' && insertable.has(field));
  return compared.every((field) => isSameValue(from[field], now[field]));
}

/** The step after it was undone or redone; the API may write values otherwise than they were sent. */
export function turned(step: RowStep, isUndo: boolean, row: Row): RowStep {
  const { from, to } = endsOf(step, isUndo);
  // A row that is deleted comes back as it was then.
  if (to === null) return isUndo ? { ...step, after: row } : { ...step, before: row };
  const now = from === null ? row : pickAll(row, new Set(Object.keys(to)));
  return {
    id: row['id'] ?? step.id,
    ...(isUndo ? { before: now, after: from } : { before: from, after: now }),
  };
}

const MAX_VALUE_CHARS = 60;

/** Why rows are not undone or redone, in a sentence. */
export function straysInWords(
  { label, rows }: Step,
  isUndo: boolean,
  strays: readonly Stray[],
): string {
  const not = isUndo ? 'not undone' : 'not done again';
  const nGone = strays.filter(({ now }) => now === null).length;
  const [only] = strays;
  if (rows.length === 1 && only) {
    if (only.now === null) return `${label} is ${not}: somebody else has deleted the row since.`;
    const fields = Object.keys(endsOf(only.step, isUndo).from ?? {});
    const field = fields.length === 1 ? fields[0] : undefined;
    const to = field === undefined ? '' : `, to ${shown(only.now[field])}`;
    return `${label} is ${not}: somebody else has changed it since${to}.`;
  }
  const are = strays.length === 1 ? 'is' : 'are';
  const gone = nGone === 0 ? '' : ` (${nGone} deleted)`;
  return `${label}: ${strays.length} of ${countOf(rows.length, 'row')} ${are} ${not}, because somebody else has changed ${strays.length === 1 ? 'it' : 'them'} since${gone}.`;
}

function shown(value: unknown): string {
  const text = editText(value);
  if (value === null || value === undefined) return 'no value';
  return text.length > MAX_VALUE_CHARS ? `“${text.slice(0, MAX_VALUE_CHARS)}…”` : `“${text}”`;
}

function pickAll(row: Row, fields: ReadonlySet<string>): Row {
  return Object.fromEntries(Object.entries(row).filter(([field]) => fields.has(field)));
}
