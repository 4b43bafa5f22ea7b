import { fieldNames } from '../api/ready-query';
import type { PlaygroundExamplesQuery } from '../api/operations';

/** A dataset as examples need it. */
export type ExampleDataset = NonNullable<PlaygroundExamplesQuery['dataset']>;
export type Column = ExampleDataset['columns'][number];

/** A document that runs as it is and shows one thing that the API can do. */
export interface Example {
  group: 'Read' | 'Add up' | 'Change' | 'Live';
  title: string;
  document: string;
  /** As JSON text. */
  variables?: string;
}

/** An example takes some columns, not all of a wide dataset. */
export const MAX_COLUMNS = 8;

export interface Described {
  dataset: ExampleDataset;
  /** The fields of a row that examples ask for. */
  fields: string[];
  columns: Column[];
  numbers: Column[];
  dates: Column[];
  texts: Column[];
  /** Columns of few values, with their most frequent one. */
  categories: Column[];
  keyType: string;
  keyValue: string;
  /** What is given as the key of a new row. */
  newKey: Record<string, unknown>;
}

const NUMBERS = ['INT', 'BIGINT', 'DECIMAL', 'FLOAT'];
const TIMES = ['DATE', 'LOCAL_DATE_TIME', 'DATE_TIME'];

export function describe(dataset: ExampleDataset, firstId: unknown, lastId: unknown): Described {
  const columns = dataset.columns.filter(
    ({ name }) => name !== 'id' && !dataset.key.includes(name),
  );
  const key = keyColumn(dataset);
  const ofType = (types: string[]) => columns.filter(({ type }) => types.includes(type));
  return {
    dataset,
    fields: fieldNames(dataset.columns).slice(0, MAX_COLUMNS),
    columns,
    numbers: ofType(NUMBERS),
    dates: ofType(TIMES),
    texts: ofType(['STRING']),
    categories: columns
      .filter(({ type, statistics }) => type === 'STRING' && nCategories(statistics) > 1)
      .sort((a, b) => nCategories(a.statistics) - nCategories(b.statistics)),
    keyType: key?.graphqlType.replace('!', '') ?? 'Int',
    keyValue: JSON.stringify(firstId ?? null),
    newKey: key && !key.generated ? { [key.name]: freshKey(key, lastId) } : {},
  };
}

/** The column whose value is a row's `id`; none where Sluice numbers the rows. */
function keyColumn({ key, columns }: ExampleDataset): Column | undefined {
  return (
    columns.find(({ name }) => key.includes(name)) ?? columns.find(({ name }) => name === 'id')
  );
}

function nCategories({ categories }: Column['statistics']): number {
  return categories?.length ?? 0;
}

export function operation(kind: string, name: string, lines: string[]): string {
  return `${kind} ${name} {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`;
}

export function inner(fields: string[], depth = 1): string[] {
  return fields.map((field) => `${'  '.repeat(depth)}${field}`);
}

/** The enum value of a field name, as the API makes it: `orderDate` is `ORDER_DATE`. */
export function enumName(field: string): string {
  return field.replace(/(?!^)[A-Z]/g, '_$&').toUpperCase();
}

/** A value, given as text by the catalog, as a literal of GraphQL and of JSON. */
export function literal(type: string, text: string): string {
  const isBare = type === 'INT' || type === 'FLOAT' || type === 'BOOLEAN';
  return isBare && text !== '' ? text.toLowerCase() : JSON.stringify(text);
}

/** A value that a column takes: its most frequent or its smallest; a new one where none may come twice. */
export function sampleOf({ type, nullable, unique, statistics }: Column): unknown {
  const isKey = unique && !nullable;
  const text = isKey ? null : (statistics.categories?.[0]?.value ?? statistics.min);
  if (text === null) return nullable ? null : type === 'STRING' ? 'new' : 0;
  if (type === 'JSON') return {};
  return JSON.parse(literal(type, text)) as unknown;
}

/** A key that no row has: behind the largest number. Other keys are the reader's to choose. */
function freshKey({ type }: Column, lastId: unknown): unknown {
  if (type === 'INT') return Number(lastId ?? 0) + 1;
  if (type === 'BIGINT') return String(BigInt(typeof lastId === 'string' ? lastId : 0) + 1n);
  return 'new';
}
