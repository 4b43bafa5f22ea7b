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
  | '_nin'
  | '_icontains'
  | '_startsWith'
  | '_endsWith'
  | '_iregex'
  | '_contains'
  | '_hasKey'
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
  _nin: 'is none of',
  _icontains: 'contains',
  _startsWith: 'starts with',
  _endsWith: 'ends with',
  _iregex: 'matches the pattern',
  _contains: 'has in it',
  _hasKey: 'has the key',
  isNull: 'is null',
  isNotNull: 'is not null',
};

/** Dates and times come before and after each other rather than being more or less. */
const TIME_WORDS: Partial<Record<Operator, string>> = {
  _gt: 'after',
  _gte: 'from',
  _lt: 'before',
  _lte: 'until',
};

export function wordsOf(operator: Operator, type: ColumnType): string {
  return (isTimeType(type) ? TIME_WORDS[operator] : undefined) ?? OPERATOR_WORDS[operator];
}

export function isTimeType(type: ColumnType): boolean {
  return ['DATE', 'LOCAL_TIME', 'LOCAL_DATE_TIME', 'DATE_TIME'].includes(type);
}

const NULLS = ['isNull', 'isNotNull'] as const;
const COMPARED = ['_eq', '_neq', '_gt', '_gte', '_lt', '_lte', '_in', '_nin', ...NULLS] as const;

/** The conditions that make sense for a type, the likeliest first. */
export function operatorsFor(type: ColumnType): readonly Operator[] {
  switch (type) {
    case 'STRING':
      return [
        '_icontains',
        '_eq',
        '_neq',
        '_startsWith',
        '_endsWith',
        '_in',
        '_nin',
        '_iregex',
        ...NULLS,
      ];
    case 'BOOLEAN':
      return ['_eq', '_neq', ...NULLS];
    case 'UUID':
      return ['_eq', '_neq', '_in', '_nin', ...NULLS];
    case 'JSON':
      return ['_contains', '_hasKey', ...NULLS];
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
  if (isListOperator(operator)) {
    const values: unknown[] = [];
    for (const part of parseList(text)) {
      const one = parseOne(type, part);
      if ('problem' in one) return one;
      values.push(one.value);
    }
    return { value: values };
  }
  if (operator === '_hasKey') return { value: text };
  if (type === 'JSON') return parseJson(text);
  return parseOne(type, type === 'STRING' ? text : text.trim());
}

export function isListOperator(operator: Operator): boolean {
  return operator === '_in' || operator === '_nin';
}

const LIST_ITEM = /\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/y;

/** The items of a list that was typed: between commas, those with a comma in quotes. */
export function parseList(text: string): string[] {
  const items: string[] = [];
  LIST_ITEM.lastIndex = 0;
  for (let end = 0; end < text.length; end = LIST_ITEM.lastIndex) {
    const found = LIST_ITEM.exec(text);
    if (!found || found[0] === '') break;
    items.push(found[1]?.replaceAll('""', '"') ?? (found[2] ?? '').trim());
  }
  return items;
}

/** The inverse of `parseList`. */
export function listText(items: readonly string[]): string {
  return items
    .map((item) => (/^$|^\s|\s$|[",]/.test(item) ? `"${item.replaceAll('"', '""')}"` : item))
    .join(', ');
}

function parseJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'This is not JSON, such as {"key": "value"}.' };
  }
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
