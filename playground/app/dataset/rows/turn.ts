import type { Dataset } from '../../api/catalog';
import { ApiError } from '../../api/error';
import type { Row } from '../../grid/types';
import type { Change, RowId } from './changes';
import { requestRows } from './request-rows';
import { runChange } from './run-change';
import { changeTo, isAsLeft, turned, type RowStep, type Stray } from './steps';

/** How rows of a step are turned: back or forth, and whether against what others did. */
export interface Turning {
  isUndo: boolean;
  /** Also those that somebody else has changed since. */
  isForced: boolean;
  fields: readonly string[];
  insertable: ReadonlySet<string>;
}

export interface Turn {
  /** What was carried out; null when nothing was. */
  change: Change | null;
  /** The rows of the change as the API has them, or had them. */
  rows: Row[];
  done: RowStep[];
  strays: Stray[];
  /** Rows that came back under the keys that they are given now. */
  renamed: [from: RowId, to: RowId][];
}

/** Others may write between the look and the change so often before it is given up. */
const MAX_LOOKS = 6;

/**
 * Undoes or redoes those rows of a step that are still as it left them. The change holds for the
 * version that was looked at, so that no write of somebody else is lost between the two.
 */
export async function turnRows(
  dataset: Dataset,
  steps: readonly RowStep[],
  turning: Turning,
): Promise<Turn> {
  const { isUndo, isForced, fields, insertable } = turning;
  if (steps.every(({ before, after }) => (isUndo ? after : before) === null)) {
    return carryOut(dataset, steps, turning, null, []);
  }
  let lookedAt: number | null = null;
  for (let nLooks = 1; ; nLooks += 1) {
    const { version, rows } = await look(dataset, steps, fields);
    const strays = steps.flatMap((step): Stray[] => {
      const now = rows.get(keyOf(step.id));
      if (isAsLeft(step, isUndo, now, insertable) || (isForced && now !== undefined)) return [];
      return [{ step, now: now ?? null }];
    });
    const astray = new Set(strays.map(({ step }) => step));
    const rest = steps.filter((step) => !astray.has(step));
    if (rest.length === 0) {
      return { change: null, rows: [], done: [], strays, renamed: [] };
    }
    try {
      return await carryOut(dataset, rest, turning, version, strays);
    } catch (cause) {
      // Another conflict than that of versions does not go by looking again.
      const isStale = cause instanceof ApiError && cause.code === 'CONFLICT';
      if (!isStale || lookedAt === version || nLooks === MAX_LOOKS) throw cause;
      lookedAt = version;
    }
  }
}

async function carryOut(
  dataset: Dataset,
  steps: readonly RowStep[],
  { isUndo, fields, insertable }: Turning,
  ifVersion: number | null,
  strays: Stray[],
): Promise<Turn> {
  const change = changeTo(steps, isUndo, insertable);
  const rows = await runChange(dataset, change, fields, ifVersion);
  const done = doneOf(steps, isUndo, change, rows);
  const renamed = change.kind === 'insert' ? renamedIn(steps, done) : [];
  return { change, rows, done, strays, renamed };
}

/** Rows that are deleted are answered in an order of the API's own. */
function doneOf(
  steps: readonly RowStep[],
  isUndo: boolean,
  { kind }: Change,
  rows: readonly Row[],
): RowStep[] {
  const byId = new Map(rows.map((row) => [keyOf(row['id']), row]));
  return steps.map((step, at) => {
    const row = kind === 'delete' ? byId.get(keyOf(step.id)) : rows[at];
    return turned(step, isUndo, row ?? {});
  });
}

function renamedIn(old: readonly RowStep[], now: readonly RowStep[]): [RowId, RowId][] {
  const pairs = old.map(({ id }, at): [RowId, RowId] => [id, now[at]?.id]);
  return pairs.filter(([from, to]) => from !== to);
}

/** The rows as they are now, and the version at which they are so. */
async function look(
  { name, listField, typeName }: Dataset,
  steps: readonly RowStep[],
  fields: readonly string[],
): Promise<{ version: number; rows: Map<string, Row> }> {
  const answer = await requestRows<{ dataset: { version: number } | null; rows: Row[] }>(
    `query PlaygroundLook($name: String!, $where: ${typeName}BoolExp!, $limit: Int!) {
  dataset(name: $name) { version }
  rows: ${listField}(where: $where, limit: $limit) { ${fields.join(' ')} }
}`,
    { name, where: { id: { _in: steps.map(({ id }) => id) } }, limit: steps.length },
  );
  if (!answer.dataset)
    throw new ApiError('This dataset is not there any more.', 200, 'NOT_FOUND', null);
  return {
    version: answer.dataset.version,
    rows: new Map(answer.rows.map((row) => [keyOf(row['id']), row])),
  };
}

function keyOf(id: unknown): string {
  return JSON.stringify(id);
}
