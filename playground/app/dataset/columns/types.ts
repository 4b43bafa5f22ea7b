import type { ColumnType } from '../../api/catalog';

/** The types of a column, as people say them. */
export const TYPE_WORDS: Record<ColumnType, string> = {
  STRING: 'Text',
  INT: 'Whole number, 32 bits (Int)',
  BIGINT: 'Whole number, 64 bits (BigInt)',
  DECIMAL: 'Exact decimal (Decimal)',
  FLOAT: 'Floating-point number (Float)',
  BOOLEAN: 'True or false (Boolean)',
  DATE: 'Date',
  LOCAL_TIME: 'Time of day (LocalTime)',
  LOCAL_DATE_TIME: 'Date and time without a zone (LocalDateTime)',
  DATE_TIME: 'Instant in UTC (DateTime)',
  UUID: 'UUID',
  JSON: 'JSON',
};

export const COLUMN_TYPES = Object.keys(TYPE_WORDS) as ColumnType[];
