import { fieldNames } from '../api/ready-query';
import type { PlaygroundExamplesQuery } from '../api/operations';

/** A dataset as examples need it. */
export type ExampleDataset = NonNullable<PlaygroundExamplesQuery['dataset']>;
type Column = ExampleDataset['columns'][number];

/** A document that runs as it is and shows one thing that the API can do. */
export interface Example {
  group: 'Read' | 'Add up' | 'Change' | 'Live';
  title: string;
  document: string;
  /** As JSON text. */
  variables?: string;
}

/** An example takes some columns, not all of a wide dataset. */
const MAX_COLUMNS = 8;

/**
 * The examples of a dataset; those that change rows only for whom it is allowed. `firstId`
 * and `lastId` are the smallest and largest `id` of the rows that are there, so that what is asked by key
 * is found, and what is inserted is new.
 */
export function examplesOf(
  dataset: ExampleDataset,
  { canWrite, firstId, lastId }: { canWrite: boolean; firstId: unknown; lastId: unknown },
): Example[] {
  const d = describe(dataset, firstId, lastId);
  return [
    firstRows(d),
    ...filterAndSort(d),
    ...search(d),
    byKey(d),
    ...related(d),
    pages(d),
    earlier(d),
    totals(d),
    ...byMonth(d),
    ...byCategory(d),
    ...(canWrite ? changes(d) : []),
    liveRows(d),
    liveCount(d),
  ];
}

interface Described {
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

function describe(dataset: ExampleDataset, firstId: unknown, lastId: unknown): Described {
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

function firstRows({ dataset, fields }: Described): Example {
  return {
    group: 'Read',
    title: 'The first rows',
    document: operation('query', dataset.typeName, [
      `${dataset.listField}(limit: 10) {`,
      ...inner(fields),
      `}`,
    ]),
  };
}

function filterAndSort({
  dataset,
  fields,
  categories,
  columns,
  numbers,
  dates,
}: Described): Example[] {
  const [category] = categories;
  const column = category ?? columns.find(({ statistics }) => statistics.max !== null);
  if (!column) return [];
  const value = category?.statistics.categories?.[0]?.value ?? column.statistics.max ?? '';
  const operator = category ? '_eq' : '_lte';
  const sort = numbers[0] ?? dates[0] ?? column;
  return [
    {
      group: 'Read',
      title: 'Filter and sort',
      document: operation('query', `${dataset.typeName}Filtered`, [
        `${dataset.listField}(`,
        `  where: { ${column.name}: { ${operator}: ${literal(column.type, value)} } }`,
        `  orderBy: [{ ${sort.name}: DESC_NULLS_LAST }]`,
        `  limit: 10`,
        `) {`,
        ...inner(fields),
        `}`,
      ]),
    },
  ];
}

function search({ dataset, fields, texts }: Described): Example[] {
  const sample = texts.map(({ statistics }) => statistics.categories?.[0]?.value ?? statistics.max);
  const word = sample.flatMap((text) => /[\p{L}\p{N}]{3,}/u.exec(text ?? '')?.[0] ?? [])[0];
  if (word === undefined) return [];
  return [
    {
      group: 'Read',
      title: 'Search by words',
      document: operation('query', `${dataset.typeName}Found`, [
        `${dataset.listField}(search: ${JSON.stringify(word)}, limit: 10) {`,
        ...inner(fields),
        `}`,
      ]),
    },
  ];
}

function byKey({ dataset, fields, keyType, keyValue }: Described): Example {
  return {
    group: 'Read',
    title: 'One row by its key',
    document: operation('query', `${dataset.typeName}ByKey($id: ${keyType}!)`, [
      `${dataset.listField}ByPk(id: $id) {`,
      ...inner(fields),
      `}`,
    ]),
    variables: `{\n  "id": ${keyValue}\n}`,
  };
}

function related({ dataset, fields }: Described): Example[] {
  const relation = dataset.relations.find(({ active }) => active);
  if (!relation) return [];
  const isForward = relation.from === dataset.name;
  const name = isForward ? relation.name : relation.inverseName;
  return [
    {
      group: 'Read',
      title: `Rows with their ${name}`,
      document: operation('query', `${dataset.typeName}Related`, [
        `${dataset.listField}(limit: 10) {`,
        ...inner(fields.slice(0, 3)),
        isForward ? `  ${name} {` : `  ${name}(limit: 5) {`,
        `    id`,
        `  }`,
        `}`,
      ]),
    },
  ];
}

function pages({ dataset, fields }: Described): Example {
  return {
    group: 'Read',
    title: 'Page by page, by cursors',
    document: operation('query', `${dataset.typeName}Page($after: String)`, [
      `${dataset.listField}Connection(first: 10, after: $after) {`,
      `  totalCount`,
      `  edges {`,
      `    cursor`,
      `    node {`,
      ...inner(fields, 3),
      `    }`,
      `  }`,
      `  pageInfo {`,
      `    hasNextPage`,
      `    endCursor`,
      `  }`,
      `}`,
    ]),
    variables: `{\n  "after": null\n}`,
  };
}

function earlier({ dataset }: Described): Example {
  return {
    group: 'Read',
    title: 'The versions that are kept',
    document: operation('query', `${dataset.typeName}Versions`, [
      `datasetVersions(name: ${JSON.stringify(dataset.name)}, limit: 10) {`,
      `  version`,
      `  at`,
      `  action`,
      `  rowCount`,
      `  insertedCount`,
      `  updatedCount`,
      `  deletedCount`,
      `}`,
    ]),
  };
}

function totals({ dataset, numbers, columns }: Described): Example {
  const names = numbers.slice(0, 3).map(({ name }) => name);
  const bounded = (names.length > 0 ? names : columns.slice(0, 2).map(({ name }) => name)).join(
    ' ',
  );
  const lines =
    names.length > 0 ? [`    sum { ${names.join(' ')} }`, `    avg { ${names.join(' ')} }`] : [];
  return {
    group: 'Add up',
    title: 'Count, sum, average, smallest and largest',
    document: operation('query', `${dataset.typeName}Totals`, [
      `${dataset.listField}Aggregate {`,
      `  aggregate {`,
      `    count`,
      ...lines,
      ...(bounded === '' ? [] : [`    min { ${bounded} }`, `    max { ${bounded} }`]),
      `  }`,
      `}`,
    ]),
  };
}

function byMonth({ dataset, dates, numbers }: Described): Example[] {
  const [date] = dates;
  if (!date) return [];
  return [
    groups(dataset, 'Month by month', 'ByMonth', {
      key: `{ column: ${enumName(date.name)}, truncate: MONTH }`,
      field: date.name,
      number: numbers[0],
    }),
  ];
}

function byCategory({ dataset, categories, texts, numbers }: Described): Example[] {
  const column = categories[0] ?? texts[0];
  if (!column) return [];
  return [
    groups(dataset, `By ${column.name}, largest first`, 'ByCategory', {
      key: `{ column: ${enumName(column.name)} }`,
      field: column.name,
      number: numbers[0],
      order: '[{ aggregate: { count: DESC } }]',
    }),
  ];
}

function groups(
  dataset: ExampleDataset,
  title: string,
  suffix: string,
  by: { key: string; field: string; number: Column | undefined; order?: string },
): Example {
  return {
    group: 'Add up',
    title,
    document: operation('query', `${dataset.typeName}${suffix}`, [
      `${dataset.listField}GroupBy(`,
      `  by: [${by.key}]`,
      ...(by.order === undefined ? [] : [`  orderBy: ${by.order}`]),
      `  limit: 200`,
      `) {`,
      `  keys {`,
      `    ${by.field}`,
      `  }`,
      `  aggregate {`,
      `    count`,
      ...(by.number ? [`    sum {`, `      ${by.number.name}`, `    }`] : []),
      `  }`,
      `}`,
    ]),
  };
}

function changes({ dataset, columns, fields, keyType, keyValue, newKey }: Described): Example[] {
  const { typeName } = dataset;
  const given = columns.filter(({ generated }) => !generated);
  const object = Object.fromEntries(
    given.slice(0, MAX_COLUMNS).map((column) => [column.name, sampleOf(column)]),
  );
  const first = given.find(({ unique, nullable }) => !unique || nullable);
  return [
    {
      group: 'Change',
      title: 'Insert a row',
      document: operation('mutation', `Insert${typeName}($object: ${typeName}InsertInput!)`, [
        `insert${typeName}One(object: $object) {`,
        ...inner(fields),
        `}`,
      ]),
      variables: JSON.stringify({ object: { ...newKey, ...object } }, null, 2),
    },
    ...(first
      ? [
          {
            group: 'Change' as const,
            title: 'Update a row by its key',
            document: operation(
              'mutation',
              `Update${typeName}($id: ${keyType}!, $set: ${typeName}SetInput!)`,
              [
                `update${typeName}ByPk(pkColumns: { id: $id }, _set: $set) {`,
                ...inner(fields),
                `}`,
              ],
            ),
            variables: `{\n  "id": ${keyValue},\n  "set": ${JSON.stringify({ [first.name]: sampleOf(first) })}\n}`,
          },
        ]
      : []),
    {
      group: 'Change',
      title: 'Delete a row by its key',
      document: operation('mutation', `Delete${typeName}($id: ${keyType}!)`, [
        `delete${typeName}ByPk(id: $id) {`,
        ...inner(fields.slice(0, 4)),
        `}`,
      ]),
      variables: `{\n  "id": ${keyValue}\n}`,
    },
  ];
}

function liveRows({ dataset, fields }: Described): Example {
  return {
    group: 'Live',
    title: 'Rows, and again when they change',
    document: operation('subscription', `${dataset.typeName}Live`, [
      `${dataset.listField}(limit: 10, orderBy: [{ id: DESC }]) {`,
      ...inner(fields),
      `}`,
    ]),
  };
}

function liveCount({ dataset }: Described): Example {
  return {
    group: 'Live',
    title: 'How many rows there are, live',
    document: operation('subscription', `${dataset.typeName}CountLive`, [
      `${dataset.listField}Aggregate {`,
      `  aggregate {`,
      `    count`,
      `  }`,
      `}`,
    ]),
  };
}

function operation(kind: string, name: string, lines: string[]): string {
  return `${kind} ${name} {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`;
}

function inner(fields: string[], depth = 1): string[] {
  return fields.map((field) => `${'  '.repeat(depth)}${field}`);
}

/** The enum value of a field name, as the API makes it: `orderDate` is `ORDER_DATE`. */
export function enumName(field: string): string {
  return field.replace(/(?!^)[A-Z]/g, '_$&').toUpperCase();
}

/** A value, given as text by the catalog, as a literal of GraphQL and of JSON. */
function literal(type: string, text: string): string {
  const isBare = type === 'INT' || type === 'FLOAT' || type === 'BOOLEAN';
  return isBare && text !== '' ? text.toLowerCase() : JSON.stringify(text);
}

/** A value that a column takes: its most frequent or its smallest; a new one where none may come twice. */
function sampleOf({ type, nullable, unique, statistics }: Column): unknown {
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
