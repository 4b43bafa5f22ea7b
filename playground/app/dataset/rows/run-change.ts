import type { Dataset } from '../../api/catalog';
import { ApiError } from '../../api/error';
import type { Row } from '../../grid/types';
import type { Change, RowId } from './changes';
import { requestRows } from './request-rows';

/**
 * Carries out a change of at most `MAX_CHANGED_ROWS` rows; gives the rows as they are, or were.
 * Where a version is given, it is refused as a `CONFLICT` when there is another by now.
 */
export async function runChange(
  dataset: Dataset,
  change: Change,
  fields: readonly string[],
  ifVersion: number | null = null,
): Promise<Row[]> {
  switch (change.kind) {
    case 'update':
      return updateRows(dataset, change.rows, fields.join(' '), ifVersion);
    case 'insert':
      return insertRows(dataset, change.rows, fields.join(' '));
    case 'delete':
      return deleteRows(dataset, change.ids, fields.join(' '), ifVersion);
  }
}

async function updateRows(
  { typeName }: Dataset,
  rows: { id: RowId; set: Row }[],
  fields: string,
  ifVersion: number | null,
): Promise<Row[]> {
  const [only, ...others] = rows;
  if (only && others.length === 0) {
    const { row } = await requestRows<{ row: Row | null }>(
      `mutation PlaygroundUpdate($pk: ${typeName}PkColumnsInput!, $set: ${typeName}SetInput!, $ifVersion: Int) {
  row: update${typeName}ByPk(pkColumns: $pk, _set: $set, ifVersion: $ifVersion) { ${fields} }
}`,
      { pk: { id: only.id }, set: only.set, ...(ifVersion !== null && { ifVersion }) },
    );
    return [found(row)];
  }
  const updates = rows.map(({ id, set }) => ({ where: { id: { _eq: id } }, _set: set }));
  const { done } = await requestRows<{ done: { returning: Row[] }[] }>(
    `mutation PlaygroundUpdateMany($updates: [${typeName}Updates!]!, $ifVersion: Int) {
  done: update${typeName}Many(updates: $updates, ifVersion: $ifVersion) { returning { ${fields} } }
}`,
    { updates, ...(ifVersion !== null && { ifVersion }) },
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

async function deleteRows(
  { typeName }: Dataset,
  ids: RowId[],
  fields: string,
  ifVersion: number | null,
): Promise<Row[]> {
  const { done } = await requestRows<{ done: { returning: Row[] } }>(
    `mutation PlaygroundDelete($where: ${typeName}BoolExp!, $ifVersion: Int) {
  done: delete${typeName}(where: $where, ifVersion: $ifVersion) { returning { ${fields} } }
}`,
    { where: { id: { _in: ids } }, ...(ifVersion !== null && { ifVersion }) },
  );
  return done.returning;
}

function found(row: Row | null): Row {
  if (row) return row;
  throw new ApiError('This row is not there any more.', 200, 'NOT_FOUND', null);
}
