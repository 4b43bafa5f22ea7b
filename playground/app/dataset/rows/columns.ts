import type { Column, ColumnType } from '../../api/catalog';
import type { GridColumn } from '../../grid/types';
import { isNumberType } from '../FilterBar';

/** How wide a typical value of a type is. */
const VALUE_PX: Record<ColumnType, number> = {
  BOOLEAN: 90,
  INT: 110,
  BIGINT: 165,
  DECIMAL: 130,
  FLOAT: 120,
  DATE: 110,
  LOCAL_TIME: 110,
  LOCAL_DATE_TIME: 185,
  DATE_TIME: 215,
  UUID: 310,
  JSON: 220,
  STRING: 190,
};

export function gridColumn(column: Column): GridColumn {
  return {
    id: column.name,
    label: column.label,
    isNumber: isNumberType(column),
    valuePx: VALUE_PX[column.type],
    hint: column.graphqlType.replace('!', ''),
  };
}

/**
 * The columns of a grid. Every type has an `id`; where a column was chosen as the key, `id` says the
 * same once more and is left out.
 */
export function withId(columns: readonly Column[]): Column[] {
  const id = columns.find(({ name }) => name === 'id');
  if (!id) {
    const given = { name: 'id', label: 'id', type: 'INT', graphqlType: 'Int!' } as const;
    return [{ ...given, nullable: false, required: false, generated: true }, ...columns];
  }
  const chosen = columns.find(
    ({ name, label, type, nullable }) =>
      name !== 'id' && label === id.label && type === id.type && !nullable,
  );
  return columns.filter((column) => column !== id || !id.generated || !chosen);
}

/** Columns in the order that a reader has moved them to. */
export function inOrder(columns: readonly Column[], order: readonly string[]): Column[] {
  const moved = order.flatMap((name) => columns.find((column) => column.name === name) ?? []);
  return [...moved, ...columns.filter((column) => !moved.includes(column))];
}
