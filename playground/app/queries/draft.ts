import type { PlaygroundSaveQueryMutationVariables } from '../api/operations';
import type { SavedQuery } from './use';

/** A saved query as its form holds it. */
export interface QueryDraft {
  name: string;
  document: string;
  description: string;
  /** Seconds; empty where an answer may not be kept. */
  maxAge: string;
  /** Empty where only the key's own rate holds. */
  requestsPerMinute: string;
  isProtected: boolean;
}

export type QueryField = 'name' | 'document' | 'description' | 'maxAge' | 'requestsPerMinute';
export type Problems = Partial<Record<QueryField, string>>;

const MAX_NAME_CHARACTERS = 100;

/** What the form begins with: the saved query, or nothing but a protection. */
export function draftOf(query: SavedQuery | undefined): Omit<QueryDraft, 'name' | 'document'> {
  return {
    description: query?.description ?? '',
    maxAge: String(query?.maxAge ?? ''),
    requestsPerMinute: String(query?.requestsPerMinute ?? ''),
    isProtected: query?.protected ?? true,
  };
}

/** What is wrong with a draft, field by field, before the server is asked. */
export function problemsOf(draft: QueryDraft): Problems {
  const problems: Problems = {};
  const name = draft.name.trim();
  if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(name)) {
    problems.name = 'A name has letters, digits, _ and -, a letter first.';
  } else if (name.length > MAX_NAME_CHARACTERS) {
    problems.name = `A name has at most ${MAX_NAME_CHARACTERS} characters.`;
  }
  if (draft.document.trim() === '') problems.document = 'Write a query first.';
  if (!isWhole(draft.maxAge, 0)) problems.maxAge = 'A whole number of seconds, or nothing.';
  if (!isWhole(draft.requestsPerMinute, 1)) {
    problems.requestsPerMinute = 'A whole number from 1, or nothing.';
  }
  return problems;
}

/** The field that a sentence of the server is about; null where it is about none of them. */
export function fieldOfProblem(message: string): QueryField | null {
  if (/^A saved query.s name /.test(message)) return 'name';
  if (message.startsWith('maxAge ')) return 'maxAge';
  if (message.startsWith('requestsPerMinute ')) return 'requestsPerMinute';
  if (message.startsWith('The description ')) return 'description';
  return /^The document |^Only a query /.test(message) ? 'document' : null;
}

export function variablesOf(draft: QueryDraft): PlaygroundSaveQueryMutationVariables {
  return {
    name: draft.name.trim(),
    document: draft.document,
    description: draft.description.trim() === '' ? null : draft.description.trim(),
    maxAge: numberOf(draft.maxAge),
    requestsPerMinute: numberOf(draft.requestsPerMinute),
    protected: draft.isProtected,
  };
}

/** A name to begin with: that of the document's query, if it has one. */
export function nameIn(document: string): string {
  return /^\s*query\s+([A-Za-z]\w*)/m.exec(document)?.[1] ?? '';
}

function isWhole(text: string, least: number): boolean {
  return text.trim() === '' || (/^\d{1,9}$/.test(text.trim()) && Number(text) >= least);
}

function numberOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text);
}
