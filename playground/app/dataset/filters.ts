import type { ColumnType } from '../api/catalog';

/** One condition on a column, as it stands in the address: the value as it was typed. */
export interface Filter {
  column: string;
  operator: Operator;
  value: string;
}

export type Operator =
  | '_eq'
  | '_neq'
  | '_gt'
  | '_gte'
  | '_lt'
  | '_lte'
  | '_in'
  | '_icontains'
  | '_startsWith'
  | '_endsWith'
  | 'isNull'
  | 'isNotNull';

export const OPERATOR_WORDS: Record<Operator, string> = {
  _eq: 'is',
  _neq: 'is not',
  _gt: 'more than',
  _gte: 'at least',
  _lt: 'less than',
  _lte: 'at most',
  _in: 'is one of',
  _icontains: 'contains',
  _startsWith: 'starts with',
  _endsWith: 'ends with',
  isNull: 'is null',
  isNotNull: 'is not null',
};

const NULLS = ['isNull', 'isNotNull'] as const;
const COMPARED = ['_eq', '_neq', '_gt', '_gte', '_lt', '_lte', '_in', ...NULLS] as const;

/** The conditions that make sense for a type, the likeliest first. */
export function operatorsFor(type: ColumnType): readonly Operator[] {
  switch (type) {
    case 'STRING':
      return ['_icontains', '_eq', '_neq', '_startsWith', '_endsWith', '_in', ...NULLS];
    case 'BOOLEAN':
    case 'UUID':
      return ['_eq', '_neq', ...NULLS];
    case 'JSON':
      return NULLS;
    default:
      return COMPARED;
  }
}

export function takesValue(operator: Operator): boolean {
  return operator !== 'isNull' && operator !== 'isNotNull';
}

/** The GraphQL value of what was typed for a column, or in words why it is none. */
export function parseValue(
  type: ColumnType,
  operator: Operator,
  text: string,
): { value: unknown } | { problem: string } {
  if (operator === '_in') {
    const values: unknown[] = [];
    for (const part of text.split(',')) {
      const one = parseOne(type, part.trim());
      if ('problem' in one) return one;
      values.push(one.value);
    }
    return { value: values };
  }
  return parseOne(type, type === 'STRING' ? text : text.trim());
}

const MAX_INT = 2 ** 31;

function parseOne(type: ColumnType, text: string): { value: unknown } | { problem: string } {
  switch (type) {
    case 'BOOLEAN':
      if (text === 'true' || text === 'false') return { value: text === 'true' };
      return { problem: 'Choose true or false.' };
    case 'INT': {
      const n = Number(text);
      if (/^[+-]?\d+$/.test(text) && n >= -MAX_INT && n < MAX_INT) return { value: n };
      return { problem: `"${text}" is not a whole number of 32 bits.` };
    }
    case 'FLOAT': {
      const n = Number(text);
      if (text !== '' && Number.isFinite(n)) return { value: n };
      return { problem: `"${text}" is not a number.` };
    }
    case 'BIGINT':
      if (/^[+-]?\d+$/.test(text)) return { value: text };
      return { problem: `"${text}" is not a whole number.` };
    case 'DECIMAL':
      if (/^[+-]?\d+(\.\d+)?$/.test(text)) return { value: text };
      return { problem: `"${text}" is not a decimal number, such as 12.50.` };
    case 'DATE':
      if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return { value: text };
      return { problem: `"${text}" is not a date, such as 2024-12-31.` };
    default:
      // Text of any kind is right; times are judged by the server, which knows more forms.
      return { value: text };
  }
}

/** The `where` argument for these conditions; those on unknown columns are left out. */
export function whereOf(
  filters: readonly Filter[],
  typeOf: (column: string) => ColumnType | undefined,
): Record<string, unknown> | null {
  const terms: Record<string, unknown>[] = [];
  for (const { column, operator, value } of filters) {
    const type = typeOf(column);
    if (type === undefined) continue;
    if (!takesValue(operator)) {
      terms.push({ [column]: { _isNull: operator === 'isNull' } });
      continue;
    }
    const parsed = parseValue(type, operator, value);
    if ('value' in parsed) terms.push({ [column]: { [operator]: parsed.value } });
  }
  const [only, ...others] = terms;
  if (only === undefined) return null;
  return others.length === 0 ? only : { _and: terms };
}
