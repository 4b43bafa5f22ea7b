import type { Dataset } from '../../api/catalog';
import { ApiError } from '../../api/error';
import type { Row } from '../../grid/types';
import type { Change, RowId } from './changes';
import { requestRows } from './request-rows';

/** Carries out a change of at most `MAX_CHANGED_ROWS` rows; gives the rows as they are, or were. */
export async function runChange(
  dataset: Dataset,
  change: Change,
  fields: readonly string[],
): Promise<Row[]> {
  switch (change.kind) {
    case 'update':
      return updateRows(dataset, change.rows, fields.join(' '));
    case 'insert':
      return insertRows(dataset, change.rows, fields.join(' '));
    case 'delete':
      return deleteRows(dataset, change.ids, fields.join(' '));
  }
}

async function updateRows(
  { typeName }: Dataset,
  rows: { id: RowId; set: Row }[],
  fields: string,
): Promise<Row[]> {
  const [only, ...others] = rows;
  if (only && others.length === 0) {
    const { row } = await requestRows<{ row: Row | null }>(
      `mutation PlaygroundUpdate($pk: ${typeName}PkColumnsInput!, $set: ${typeName}SetInput!) {
  row: update${typeName}ByPk(pkColumns: $pk, _set: $set) { ${fields} }
}`,
      { pk: { id: only.id }, set: only.set },
    );
    return [found(row)];
  }
  const updates = rows.map(({ id, set }) => ({ where: { id: { _eq: id } }, _set: set }));
  const { done } = await requestRows<{ done: { returning: Row[] }[] }>(
    `mutation PlaygroundUpdateMany($updates: [${typeName}Updates!]!) {
  done: update${typeName}Many(updates: $updates) { returning { ${fields} } }
}`,
    { updates },
  );
  return done.map(({ returning }) => found(returning[0] ?? null));
}

async function insertRows({ typeName }: Dataset, rows: Row[], fields: string): Promise<Row[]> {
  const { done } = await requestRows<{ done: { returning: Row[] } }>(
    `mutation PlaygroundInsert($objects: [${typeName}InsertInput!]!) {
  done: insert${typeName}(objects: $objects) { returning { ${fields} } }
}`,
    { objects: rows },
  );
  return done.returning;
}

async function deleteRows({ typeName }: Dataset, ids: RowId[], fields: string): Promise<Row[]> {
  const { done } = await requestRows<{ done: { returning: Row[] } }>(
    `mutation PlaygroundDelete($where: ${typeName}BoolExp!) {
  done: delete${typeName}(where: $where) { returning { ${fields} } }
}`,
    { where: { id: { _in: ids } } },
  );
  return done.returning;
}

function found(row: Row | null): Row {
  if (row) return row;
  throw new ApiError('This row is not there any more.', 200, 'NOT_FOUND', null);
}
