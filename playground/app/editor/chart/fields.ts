import { isRawNumber } from '../../api/exact-json';
import type { AnswerTable } from '../tabular';

/** How the values of a column are placed: along time, along numbers, or each in a place of its own. */
export type FieldKind = 'time' | 'number' | 'category';

/** A column of an answer that can be drawn. */
export interface ChartField {
  name: string;
  kind: FieldKind;
  nDistinct: number;
}

const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/;
// No leading zeros: those are codes, not amounts.
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** The columns that can be drawn: neither empty ones nor lists. */
export function fieldsOf({ columns, rows }: AnswerTable): ChartField[] {
  return columns.flatMap((name) => {
    const values = rows.map((row) => row[name]).filter((value) => value != null);
    if (values.length === 0 || values.some(isList)) return [];
    return [{ name, kind: kindOf(values), nDistinct: new Set(values.map(textOf)).size }];
  });
}

function kindOf(values: readonly unknown[]): FieldKind {
  if (values.every(isNumber)) return 'number';
  if (values.every((value) => typeof value === 'string' && DATE.test(value))) return 'time';
  return 'category';
}

function isList(value: unknown): boolean {
  return typeof value === 'object' && !isRawNumber(value);
}

function isNumber(value: unknown): boolean {
  if (typeof value === 'string') return NUMBER.test(value);
  return typeof value === 'number' || isRawNumber(value);
}

/** The number nearest to a value, for drawing only: a Decimal is text and stays exact elsewhere. */
export function numberOf(value: unknown): number | null {
  if (value == null || typeof value === 'boolean') return null;
  const number = Number(typeof value === 'object' ? JSON.stringify(value) : value);
  return Number.isFinite(number) ? number : null;
}

/** The instant of a date or date-time; what names no zone is taken as UTC, so that days stay whole. */
export function timeOf(value: unknown): Date | null {
  if (typeof value !== 'string' || !DATE.test(value)) return null;
  const isLocal = value.includes('T') && !/(Z|[+-]\d{2}:\d{2})$/.test(value);
  const time = new Date(isLocal ? `${value}Z` : value);
  return Number.isNaN(time.getTime()) ? null : time;
}

export function textOf(value: unknown): string {
  if (value == null) return '(none)';
  if (value === '') return '(empty)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
