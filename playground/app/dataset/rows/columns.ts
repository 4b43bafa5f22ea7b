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

/** Every type has an `id`; where it is a number by Sluice, no column of the file stands for it. */
export function withId(columns: readonly Column[]): Column[] {
  if (columns.some(({ name }) => name === 'id')) return [...columns];
  const id = { name: 'id', label: 'id', type: 'INT', graphqlType: 'Int!' } as const;
  return [{ ...id, nullable: false, required: false, generated: true }, ...columns];
}

/** Columns in the order that a reader has moved them to. */
export function inOrder(columns: readonly Column[], order: readonly string[]): Column[] {
  const moved = order.flatMap((name) => columns.find((column) => column.name === name) ?? []);
  return [...moved, ...columns.filter((column) => !moved.includes(column))];
}
