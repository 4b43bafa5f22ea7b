import { useCallback, useRef, useState } from 'react';
import type { Dataset } from '../../api/catalog';
import { ApiError, messageOf } from '../../api/error';
import type { CellMark, Row } from '../../grid/types';
import { chunked, partsOf, type Change, type RowId } from './changes';
import { nextStep, recordStep, renameRows, turnStep } from './history';
import type { RowStore } from './row-store';
import { runChange } from './run-change';
import { partSize, straysInWords, type RowStep, type Stray } from './steps';
import { turnRows } from './turn';
import { isSameValue } from './values';
import { useVersions } from './versions';

/** New values for fields of a row, and what was typed for them. */
export interface RowEdit {
  id: RowId;
  before: Row;
  set: Row;
  /** Kept when the API refuses the value, to be corrected. */
  typed?: string;
}

/** Why a cell was not changed. */
export interface Refusal {
  message: string;
  typed: string | undefined;
}

/** An edit that is not undone or redone, because somebody else has changed its rows since. */
export interface EditConflict {
  isUndo: boolean;
  message: string;
  /** False when all that is left of it was deleted. */
  canForce: boolean;
}

export interface Edits {
  /** Resolves to null, or to why it was refused. */
  update: (label: string, edits: readonly RowEdit[]) => Promise<string | null>;
  insert: (label: string, rows: readonly Row[]) => Promise<{ rows: Row[] } | { problem: string }>;
  remove: (label: string, ids: readonly RowId[]) => Promise<void>;
  undo: () => Promise<void>;
  redo: () => Promise<void>;
  conflict: EditConflict | null;
  /** Undoes or redoes what is in conflict all the same. */
  force: () => Promise<void>;
  /** Leaves what is in conflict as somebody else has made it. */
  keep: () => void;
  markOf: (id: RowId, column: string) => CellMark | undefined;
  refusalOf: (id: RowId, column: string) => Refusal | undefined;
  /** Keeps what was typed for a cell although it is no value of its type; null forgets it. */
  refuse: (id: RowId, column: string, refusal: Refusal | null) => void;
  isBusy: boolean;
  /** What happened last, for those who cannot see it. */
  said: string;
  problem: string | null;
  setProblem: (problem: string | null) => void;
}

/** Changes of rows, one after the other, each of which can be taken back. */
export function useEdits(
  dataset: Dataset,
  store: RowStore,
  fields: readonly string[],
  insertable: ReadonlySet<string>,
): Edits {
  const { name } = dataset;
  const runEdit = useVersions(dataset, store);
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const [nBusy, setBusy] = useState(0);
  const [pending, setPending] = useState<ReadonlySet<string>>(new Set());
  const [refusals, setRefusals] = useState<ReadonlyMap<string, Refusal>>(new Map());
  const [said, setSaid] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [conflict, setConflict] = useState<EditConflict | null>(null);

  /** One change at a time, so that they arrive as they were made. */
  const inTurn = useCallback(async <Result>(work: () => Promise<Result>): Promise<Result> => {
    setBusy((n) => n + 1);
    setConflict(null);
    const turn = queue.current.then(work, work);
    queue.current = turn.catch(() => undefined);
    return turn.finally(() => setBusy((n) => n - 1));
  }, []);

  /** Carries out a change and shows it; gives the rows as the API has them, or had them. */
  async function apply(change: Change): Promise<Row[]> {
    const done: Row[] = [];
    for (const part of partsOf(change)) {
      const rows = await runEdit(() => runChange(dataset, part, fields));
      done.push(...rows);
      show(part, rows);
    }
    return done;
  }

  function show(change: Change, rows: readonly Row[]): void {
    if (change.kind === 'update') {
      change.rows.forEach(({ id }, index) => store.patch(id, rows[index] ?? {}));
    } else if (change.kind === 'insert') store.append(rows.length);
    else store.remove(new Set(change.ids));
  }

  async function update(label: string, edits: readonly RowEdit[]): Promise<string | null> {
    const changed = edits.flatMap((edit) => {
      const set = Object.entries(edit.set).filter(
        ([field, value]) => !isSameValue(value, edit.before[field]),
      );
      return set.length === 0 ? [] : [{ ...edit, set: Object.fromEntries(set) }];
    });
    const cells = changed.flatMap(({ id, set }) => Object.keys(set).map((c) => cellKey(id, c)));
    const touched = edits.flatMap(({ id, set }) => Object.keys(set).map((c) => cellKey(id, c)));
    setRefusals((all) => without(all, touched));
    if (changed.length === 0) return null;
    setPending((all) => new Set([...all, ...cells]));
    for (const { id, set } of changed) store.patch(id, withoutId(set));
    return inTurn(async () => {
      const left = new Set(changed);
      try {
        for (const rows of chunked(changed)) {
          const now = await apply({
            kind: 'update',
            rows: rows.map(({ id, set }) => ({ id, set })),
          });
          const steps = rows.map(({ id, set, before }, index): RowStep => ({
            id: now[index]?.['id'] ?? id,
            before: pick(before, Object.keys(set)),
            after: pick(now[index] ?? set, Object.keys(set)),
          }));
          recordStep(name, { label, rows: steps });
          for (const row of rows) left.delete(row);
        }
        setProblem(null);
        setSaid(`${label} changed.`);
        return null;
      } catch (cause) {
        for (const { id, set, before } of left) store.patch(id, pick(before, Object.keys(set)));
        const message = explain(cause);
        setRefusals((all) => {
          const next = new Map(all);
          for (const { id, set, typed } of left) {
            for (const column of Object.keys(set))
              next.set(cellKey(id, column), { message, typed });
          }
          return next;
        });
        setProblem(`${label} could not be changed. ${message}`);
        return message;
      } finally {
        setPending((all) => new Set([...all].filter((key) => !cells.includes(key))));
      }
    });
  }

  async function insert(
    label: string,
    rows: readonly Row[],
  ): Promise<{ rows: Row[] } | { problem: string }> {
    return inTurn(async () => {
      try {
        const done = await apply({ kind: 'insert', rows: [...rows] });
        recordStep(name, {
          label,
          rows: done.map((row) => ({ id: row['id'], before: null, after: row })),
        });
        setSaid(`${label} added.`);
        return { rows: done };
      } catch (cause) {
        return { problem: explain(cause) };
      }
    });
  }

  async function remove(label: string, ids: readonly RowId[]): Promise<void> {
    await inTurn(async () => {
      try {
        const gone = await apply({ kind: 'delete', ids: [...ids] });
        recordStep(name, {
          label,
          rows: gone.map((row) => ({ id: row['id'], before: row, after: null })),
        });
        setSaid(`${label} deleted.`);
      } catch (cause) {
        setProblem(explain(cause));
      }
    });
  }

  async function again(isUndo: boolean, isForced = false): Promise<void> {
    await inTurn(async () => {
      const step = nextStep(name, isUndo);
      if (!step) return;
      const done: RowStep[] = [];
      const strays: Stray[] = [];
      const renamed = new Map<RowId, RowId>();
      let left = step.rows;
      let failure: unknown = null;
      try {
        for (const part of chunked(step.rows, partSize(step))) {
          const turn = await runEdit(
            () => turnRows(dataset, part, { isUndo, isForced, fields, insertable }),
            ({ change }) => (change ? 1 : 0),
          );
          if (turn.change) show(turn.change, turn.rows);
          for (const { step: stray, now } of turn.strays) if (now) store.patch(stray.id, now);
          for (const [from, to] of turn.renamed) renamed.set(from, to);
          done.push(...turn.done);
          strays.push(...turn.strays);
          left = left.slice(part.length);
        }
      } catch (cause) {
        failure = cause;
      }
      // A row that somebody else deleted is not to be had back by this.
      const there = strays.flatMap(({ step: stray, now }) => (now ? [stray] : []));
      turnStep(name, isUndo, done, [...there, ...left]);
      renameRows(name, renamed);
      setProblem(null);
      if (strays.length > 0) {
        const message = straysInWords(step, isUndo, strays);
        setConflict({ isUndo, message, canForce: there.length > 0 });
      } else if (failure === null) {
        setSaid(`${step.label}: ${isUndo ? 'undone' : 'done again'}.`);
      }
      if (failure !== null) {
        const what = isUndo ? 'undone' : 'done again';
        setProblem(`${step.label} could not be ${what}. ${explain(failure)}`);
      }
    });
  }

  function keep(): void {
    if (conflict?.canForce) turnStep(name, conflict.isUndo, [], []);
    setConflict(null);
  }

  const markOf = useCallback(
    (id: RowId, column: string): CellMark | undefined => {
      const key = cellKey(id, column);
      const refusal = refusals.get(key);
      if (refusal) return { kind: 'failed', message: refusal.message };
      return pending.has(key) ? { kind: 'pending' } : undefined;
    },
    [refusals, pending],
  );

  return {
    update,
    insert,
    remove,
    undo: () => again(true),
    redo: () => again(false),
    conflict,
    force: async () => {
      if (conflict) await again(conflict.isUndo, true);
    },
    keep,
    markOf,
    refusalOf: (id, column) => refusals.get(cellKey(id, column)),
    refuse: (id, column, refusal) => {
      const key = cellKey(id, column);
      setRefusals((all) => (refusal ? new Map(all).set(key, refusal) : without(all, [key])));
    },
    isBusy: nBusy > 0,
    said,
    problem,
    setProblem,
  };
}

/** The API's sentence, and the number by which its log tells more. */
export function explain(cause: unknown): string {
  const message = messageOf(cause);
  if (!(cause instanceof ApiError) || cause.requestId === null) return message;
  return `${message} (request ${cause.requestId})`;
}

function cellKey(id: RowId, column: string): string {
  return `${JSON.stringify(id)} ${column}`;
}

/** A key is shown as it was until the API has taken the new one: the row is known by it. */
function withoutId(set: Row): Row {
  return Object.fromEntries(Object.entries(set).filter(([field]) => field !== 'id'));
}

function pick(row: Row, fields: readonly string[]): Row {
  return Object.fromEntries(fields.map((field) => [field, row[field] ?? null]));
}

function without<Value>(
  map: ReadonlyMap<string, Value>,
  keys: readonly string[],
): ReadonlyMap<string, Value> {
  if (!keys.some((key) => map.has(key))) return map;
  const next = new Map(map);
  for (const key of keys) next.delete(key);
  return next;
}
