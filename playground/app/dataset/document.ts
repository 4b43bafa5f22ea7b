import type { Dataset } from '../api/catalog';
import type { Sort } from '../grid/Grid';

/** The operation behind a page of the grid. */
export function pageQuery(dataset: Dataset, fields: readonly string[]): string {
  const { listField, typeName } = dataset;
  return `query PlaygroundRows($where: ${typeName}BoolExp, $orderBy: [${typeName}OrderBy!], $limit: Int, $offset: Int) {
  rows: ${listField}(where: $where, orderBy: $orderBy, limit: $limit, offset: $offset) { ${fields.join(' ')} }
}`;
}

/** The operation behind the number of rows that a filter leaves. */
export function countQuery(dataset: Dataset): string {
  const { listField, typeName } = dataset;
  return `query PlaygroundCount($where: ${typeName}BoolExp) {
  rows: ${listField}Aggregate(where: $where) { aggregate { count } }
}`;
}

/** What the grid shows, as a document to go on working with. */
export function documentOf(
  dataset: Dataset,
  view: {
    fields: readonly string[];
    where: Record<string, unknown> | null;
    sort: Sort | undefined;
    limit: number;
  },
): string {
  const args = [
    view.where !== null && `where: ${literal(view.where)}`,
    view.sort && `orderBy: [{ ${view.sort.column}: ${view.sort.direction} }]`,
    `limit: ${view.limit}`,
  ].filter((arg) => typeof arg === 'string');
  const fields = view.fields.map((field) => `    ${field}\n`).join('');
  return `query ${dataset.typeName}View {
  ${dataset.listField}(
${args.map((arg) => `    ${arg}\n`).join('')}  ) {
${fields}  }
}
`;
}

/** A GraphQL literal; text is written as in JSON, whose escapes are GraphQL's too. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner)}`);
    return `{ ${fields.join(', ')} }`;
  }
  return JSON.stringify(value);
}
