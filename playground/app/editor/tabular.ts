import { isRawNumber } from '../api/exact-json';

/** A list of rows found in an answer. */
export interface AnswerTable {
  /** Where it stands, such as `orders`, `ordersConnection.edges` or `customers.orders`. */
  name: string;
  columns: string[];
  rows: Record<string, unknown>[];
}

type Json = Record<string, unknown>;

/**
 * The tables in an answer's data: each list of objects below a root field, and each object without
 * a list as a table of one row. Objects in a row become columns with dotted names; lists of objects
 * in a row become tables of their own, whose first column says which row they belong to.
 */
export function tablesIn(data: unknown): AnswerTable[] {
  if (!isObject(data)) return [];
  return Object.entries(data).flatMap(([name, value]) => tablesBelow(name, value));
}

function tablesBelow(name: string, value: unknown): AnswerTable[] {
  if (Array.isArray(value)) {
    return value.length > 0 && value.every(isObject) ? tablesOf(name, value) : [];
  }
  if (!isObject(value)) return [];
  const lists = Object.entries(value).filter(([, inner]) => Array.isArray(inner));
  const found = lists.flatMap(([inner, list]) => tablesBelow(`${name}.${inner}`, list));
  return found.length > 0 ? found : tablesOf(name, [value]);
}

function tablesOf(name: string, objects: readonly Json[], owners?: readonly Json[]): AnswerTable[] {
  const rows = objects.map((object, index) => ({ ...owners?.[index], ...flattened(object) }));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [
    { name, columns, rows },
    ...columns.flatMap((column) => nestedTables(name, column, rows)),
  ];
}

/** The rows of a column that holds lists of rows, each with the key of the row that it stands in. */
function nestedTables(name: string, column: string, rows: readonly Json[]): AnswerTable[] {
  const objects: Json[] = [];
  const owners: Json[] = [];
  for (const [index, row] of rows.entries()) {
    const list = row[column];
    if (!Array.isArray(list)) continue;
    for (const object of list) {
      if (!isObject(object)) return [];
      objects.push(object);
      owners.push(ownerOf(name, row, index));
    }
  }
  return objects.length === 0 ? [] : tablesOf(`${name}.${column}`, objects, owners);
}

function ownerOf(name: string, row: Json, index: number): Json {
  const key = ['id', 'node.id'].find((candidate) => candidate in row);
  return key === undefined ? { [`${name} row`]: index + 1 } : { [`${name}.${key}`]: row[key] };
}

function flattened(object: Json, prefix = ''): Json {
  const row: Json = {};
  for (const [name, value] of Object.entries(object)) {
    if (isObject(value)) Object.assign(row, flattened(value, `${prefix}${name}.`));
    else row[prefix + name] = value;
  }
  return row;
}

function isObject(value: unknown): value is Json {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
  );
}
