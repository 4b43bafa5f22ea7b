import type { ColumnType } from '../api/operations';

/** The types of columns with what each is for, in the order in which people look for them. */
export const COLUMN_TYPES: readonly [ColumnType, string][] = [
  ['STRING', 'String – text'],
  ['INT', 'Int – whole number, 32 bits'],
  ['BIGINT', 'BigInt – whole number, 64 bits'],
  ['DECIMAL', 'Decimal – exact decimal'],
  ['FLOAT', 'Float – number in scientific notation'],
  ['BOOLEAN', 'Boolean – yes or no'],
  ['DATE', 'Date – a day'],
  ['DATE_TIME', 'DateTime – an instant'],
  ['LOCAL_DATE_TIME', 'LocalDateTime – day and time without a zone'],
  ['LOCAL_TIME', 'LocalTime – time of day'],
  ['UUID', 'UUID'],
  ['JSON', 'JSON'],
];
