import type { Dataset } from './catalog';

const FIRST_ROWS = 10;

/** A query that runs as it is: the first rows with all their columns, and how many there are. */
export function readyQuery(dataset: Pick<Dataset, 'listField' | 'typeName' | 'columns'>): string {
  const fields = fieldNames(dataset.columns)
    .map((name) => `    ${name}`)
    .join('\n');
  return `query ${dataset.typeName} {
  ${dataset.listField}(limit: ${FIRST_ROWS}) {
${fields}
  }
  ${dataset.listField}Aggregate {
    aggregate {
      count
    }
  }
}
`;
}

/** The scalar fields of a row, `id` first: every type has one, listed as a column or not. */
export function fieldNames(columns: { name: string }[]): string[] {
  return ['id', ...columns.map((column) => column.name).filter((name) => name !== 'id')];
}
