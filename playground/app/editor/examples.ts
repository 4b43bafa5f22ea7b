import { changes } from './example-changes';
import {
  describe,
  enumName,
  inner,
  literal,
  operation,
  type Column,
  type Described,
  type Example,
  type ExampleDataset,
} from './example-parts';

export type { Example, ExampleDataset };

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
