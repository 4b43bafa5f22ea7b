import type { Column, ColumnType } from '../../api/catalog';
import type { PastedCell } from '../../grid/tsv';
import { parseExactly } from '../../api/exact-json';
import { parseValue } from '../filters';

export type Parsed = { value: unknown } | { problem: string };

/** The value of a cell that was typed. No text is null, except in a column of texts. */
export function parseCell(type: ColumnType, text: string): Parsed {
  if (type === 'STRING') return { value: text };
  const trimmed = text.trim();
  if (trimmed === '') return { value: null };
  if (type === 'JSON') return parseJson(trimmed);
  if (type === 'BOOLEAN') return parseValue(type, '_eq', trimmed.toLowerCase());
  return parseValue(type, '_eq', trimmed);
}

/** The value of a cell from the clipboard, where empty text stands in quotes. */
export function parsePasted(type: ColumnType, { text, isQuoted }: PastedCell): Parsed {
  return text === '' && !isQuoted ? { value: null } : parseCell(type, text);
}

/** A value as it is typed: exactly what the API gave. */
export function editText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** As `editText`; JSON over several lines. */
export function longText(type: ColumnType, value: unknown): string {
  if (type !== 'JSON' || value === null || value === undefined) return editText(value);
  return JSON.stringify(value, null, 2);
}

/** What a value of a type looks like, for an empty control. */
export const EXAMPLES: Record<ColumnType, string> = {
  BOOLEAN: 'true',
  INT: '42',
  BIGINT: '9007199254740993',
  DECIMAL: '12.50',
  FLOAT: '0.5',
  DATE: '2024-12-31',
  LOCAL_TIME: '13:45:00',
  LOCAL_DATE_TIME: '2024-12-31T13:45:00',
  DATE_TIME: '2024-12-31T13:45:00Z',
  UUID: '123e4567-e89b-12d3-a456-426614174000',
  JSON: '{"key": "value"}',
  STRING: '',
};

function parseJson(text: string): Parsed {
  try {
    return { value: parseExactly(text) };
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    return { problem: `This is not JSON${why}.` };
  }
}

export function isSameValue(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

export function mayBeNull({ nullable, required }: Column): boolean {
  return nullable && !required;
}
