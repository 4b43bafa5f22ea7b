import type { Dataset } from '../../api/catalog';

/** The operation behind a page of the rows of an earlier version. */
export function asOfQuery(
  { listField }: Pick<Dataset, 'listField'>,
  fields: readonly string[],
): string {
  return `query PlaygroundAsOf($version: Int!, $limit: Int!, $offset: Int!) {
  rows: ${listField}(asOf: $version, limit: $limit, offset: $offset) { ${fields.join(' ')} }
  all: ${listField}Aggregate(asOf: $version) { aggregate { count } }
}`;
}
