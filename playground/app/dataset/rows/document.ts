import type { Dataset } from '../../api/catalog';
import type { Sort } from '../../grid/Grid';

/** What is looked at: which rows, in which order, and which of their fields. */
export interface RowsView {
  fields: readonly string[];
  where: Record<string, unknown> | null;
  sorts: readonly Sort[];
  /** Words that the rows' texts must have; empty for none. */
  search: string;
  /** An older version whose rows are looked at. */
  asOf: number | undefined;
}

export interface ViewVariables {
  where: Record<string, unknown> | null;
  orderBy: Record<string, Sort['direction']>[];
  search?: string;
  asOf?: number;
}

/** The values for the arguments of a view, for any of a dataset's root fields. */
export function viewVariables(view: RowsView): ViewVariables {
  return {
    where: view.where,
    orderBy: view.sorts.map(({ column, direction }) => ({ [column]: direction })),
    ...(view.search !== '' && { search: view.search }),
    ...(view.asOf !== undefined && { asOf: view.asOf }),
  };
}

/** A root field with the arguments of a view, as variables. */
function rootField(
  dataset: Dataset,
  view: RowsView,
  field: { name: string; suffix: string; own?: Record<string, string>; isUnordered?: boolean },
  selection: string,
): string {
  const { typeName, listField } = dataset;
  const all: Record<string, string | undefined> = {
    ...field.own,
    where: `${typeName}BoolExp`,
    orderBy: field.isUnordered ? undefined : `[${typeName}OrderBy!]`,
    // Datasets without a text column have no such argument.
    search: view.search === '' ? undefined : 'String',
    asOf: view.asOf === undefined ? undefined : 'Int',
  };
  const types = Object.entries(all).filter(([, type]) => type !== undefined);
  const declared = types.map(([name, type]) => `$${name}: ${type ?? ''}`).join(', ');
  const passed = types.map(([name]) => `${name}: $${name}`).join(', ');
  return `query ${field.name}(${declared}) {
  rows: ${listField}${field.suffix}(${passed}) ${selection}
}`;
}

/** A page behind or before a cursor. */
export function pageQuery(dataset: Dataset, view: RowsView): string {
  const own = { first: 'Int', after: 'String', last: 'Int', before: 'String' };
  return rootField(
    dataset,
    view,
    { name: 'PlaygroundRows', suffix: 'Connection', own },
    `{ nodes { ${view.fields.join(' ')} } pageInfo { startCursor endCursor } }`,
  );
}

/** Rows at a place that no cursor leads to. */
export function offsetQuery(dataset: Dataset, view: RowsView, fields: readonly string[]): string {
  return rootField(
    dataset,
    view,
    {
      name: fields.length === 1 ? 'PlaygroundPlace' : 'PlaygroundRows',
      suffix: '',
      own: { limit: 'Int', offset: 'Int' },
    },
    `{ ${fields.join(' ')} }`,
  );
}

/** The cursors of rows that are known by their keys: `where` names one each. */
export function cursorQuery(dataset: Dataset, view: RowsView): string {
  return rootField(
    dataset,
    { ...view, search: '' },
    { name: 'PlaygroundCursor', suffix: 'Connection', own: { first: 'Int' } },
    '{ pageInfo { startCursor } }',
  );
}

/** The number of rows. */
export function countQuery(dataset: Dataset, view: RowsView): string {
  return rootField(
    dataset,
    view,
    { name: 'PlaygroundCount', suffix: 'Aggregate', isUnordered: true },
    '{ aggregate { count } }',
  );
}

/** The commonest values of a column, or its parts of time or number, with their counts. */
export function groupQuery(dataset: Dataset, view: RowsView, column: string): string {
  const { typeName } = dataset;
  return rootField(
    dataset,
    view,
    {
      name: 'PlaygroundGroups',
      suffix: 'GroupBy',
      own: {
        by: `[${typeName}GroupKey!]!`,
        groupOrder: `[${typeName}GroupOrderBy!]`,
        limit: 'Int',
      },
      isUnordered: true,
    },
    `{ keys { ${column} } aggregate { count } }`,
  ).replace('groupOrder: $groupOrder', 'orderBy: $groupOrder');
}

/** What the grid shows, as a document to go on working with. */
export function documentOf(dataset: Dataset, view: RowsView & { limit: number }): string {
  const args = [...literalArguments(view), `limit: ${view.limit}`];
  const fields = view.fields.map((field) => `    ${field}\n`).join('');
  return `query ${dataset.typeName}View {
  ${dataset.listField}(
${args.map((arg) => `    ${arg}\n`).join('')}  ) {
${fields}  }
}
`;
}

/** The arguments of a view as they stand in a document. */
export function literalArguments(view: RowsView): string[] {
  const sorts = view.sorts.map(({ column, direction }) => `{ ${column}: ${direction} }`);
  return [
    view.search !== '' && `search: ${literal(view.search)}`,
    view.where !== null && `where: ${literal(view.where)}`,
    sorts.length > 0 && `orderBy: [${sorts.join(', ')}]`,
    view.asOf !== undefined && `asOf: ${view.asOf}`,
  ].filter((argument) => typeof argument === 'string');
}

/** A GraphQL literal; text is written as in JSON, whose escapes are GraphQL's too. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return JSON.stringify(value);
}

/** The word of the enum of a dataset's columns for a field: `orderDate` is `ORDER_DATE`. */
export function selectColumn(field: string): string {
  return field.replace(/(?!^)[A-Z]/g, '_$&').toUpperCase();
}
