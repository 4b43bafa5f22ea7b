import type {
  Mask,
  PlaygroundSetPolicyMutationVariables,
  PolicyOperation,
} from '../api/operations';
import { readObject, strangersIn } from './json';
import type { Policy } from './use';

export const OPERATIONS: readonly PolicyOperation[] = [
  'SELECT',
  'AGGREGATE',
  'INSERT',
  'UPDATE',
  'DELETE',
];

export const MASKS: readonly [Mask, string][] = [
  ['HIDE', 'Hide: there is no such field'],
  ['NULL', 'Null: as if missing'],
  ['PARTIAL', 'Partial: first and last character'],
  ['HASH', 'Hash: equal values stay equal'],
];

/** A policy as its form holds it. */
export interface PolicyDraft {
  dataset: string;
  role: string;
  filter: string;
  check: string;
  /** Null for all. */
  columns: string[] | null;
  masks: Record<string, Mask>;
  operations: PolicyOperation[];
  maxRows: string;
}

export type PolicyField = 'role' | 'filter' | 'check' | 'columns' | 'maxRows';
export type Problems = Partial<Record<PolicyField, string>>;

export function draftOf(policy: Policy | null, dataset: string): PolicyDraft {
  const text = (value: unknown) => (value === null ? '' : JSON.stringify(value, null, 2));
  return {
    dataset,
    role: policy?.role ?? '',
    filter: text(policy?.filter ?? null),
    check: text(policy?.check ?? null),
    columns: policy?.columns ?? null,
    masks: Object.fromEntries(policy?.masks.map(({ column, mask }) => [column, mask]) ?? []),
    operations: policy?.operations ?? ['SELECT', 'AGGREGATE'],
    maxRows: String(policy?.maxRows ?? ''),
  };
}

/** What is wrong with a draft, field by field, before the server is asked. */
export function problemsOf(draft: PolicyDraft, fields: readonly string[]): Problems {
  const problems: Problems = {};
  for (const name of ['filter', 'check'] as const) {
    const read = readObject(draft[name]);
    const strangers = read.value === null ? [] : strangersIn(read.value, fields);
    if (read.problem !== null) problems[name] = read.problem;
    else if (strangers.length > 0) {
      problems[name] = `${draft.dataset} has no such field or operator: ${strangers.join('; ')}`;
    }
  }
  if (draft.maxRows !== '' && !(Number(draft.maxRows) >= 1)) {
    problems.maxRows = 'It must be 1 or more; leave SELECT out to show nothing.';
  }
  if (!/^[\w.:*-]{1,100}$/.test(draft.role.trim())) {
    problems.role = 'A role has letters, digits, _, -, . or :, and no spaces; * is everybody.';
  }
  return problems;
}

/** The field that the server's sentence is about. */
export function fieldOfProblem(message: string, draft: PolicyDraft): PolicyField {
  if (message.includes('maxRows')) return 'maxRows';
  if (/^A role/.test(message)) return 'role';
  if (/^The key |can be shown as NULL|^masks |has no field "/.test(message)) return 'columns';
  return draft.filter.trim() === '' && draft.check.trim() !== '' ? 'check' : 'filter';
}

export function variablesOf(draft: PolicyDraft): PlaygroundSetPolicyMutationVariables {
  return {
    dataset: draft.dataset,
    role: draft.role.trim(),
    filter: readObject(draft.filter).value,
    check: readObject(draft.check).value,
    columns: draft.columns,
    masks: Object.entries(draft.masks).map(([column, mask]) => ({ column, mask })),
    operations: draft.operations,
    maxRows: draft.maxRows === '' ? null : Number(draft.maxRows),
  };
}
