/** A list of rows found in an answer. */
export interface AnswerTable {
  /** Where it stands, such as `orders` or `ordersConnection.edges`. */
  name: string;
  columns: string[];
  rows: Record<string, unknown>[];
}

type Json = Record<string, unknown>;

/**
 * The tables in an answer's data: each list of objects below a root field, and each object without
 * a list as a table of one row. Objects in a row become columns with dotted names.
 */
export function tablesIn(data: unknown): AnswerTable[] {
  if (!isObject(data)) return [];
  return Object.entries(data).flatMap(([name, value]) => tablesBelow(name, value));
}

function tablesBelow(name: string, value: unknown): AnswerTable[] {
  if (Array.isArray(value))
    return value.length > 0 && value.every(isObject) ? [tableOf(name, value)] : [];
  if (!isObject(value)) return [];
  const lists = Object.entries(value).filter(([, inner]) => Array.isArray(inner));
  const found = lists.flatMap(([inner, list]) => tablesBelow(`${name}.${inner}`, list));
  return found.length > 0 ? found : [tableOf(name, [value])];
}

function tableOf(name: string, objects: Json[]): AnswerTable {
  const rows = objects.map((object) => flattened(object));
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return { name, columns, rows };
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
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
