import type { Column } from '../../api/catalog';
import type { Sort } from '../../grid/types';
import { isTimeType, takesValue, wordsOf, type Filter } from '../filters';

/** A condition as it is said: `Total more than 5`. */
export function filterInWords({ operator, value }: Filter, { label, type }: Column): string {
  const words = `${label} ${wordsOf(operator, type)}`;
  return takesValue(operator) ? `${words} ${value === '' ? 'empty' : value}` : words;
}

/** A view in a sentence. */
export function viewInWords(
  dataset: string,
  columns: readonly Column[],
  view: {
    filters: readonly Filter[];
    sorts: readonly Sort[];
    search: string;
    asOf: number | undefined;
  },
): string {
  const find = (name: string) => columns.find((column) => column.name === name);
  const conditions = view.filters.flatMap((filter) => {
    const column = find(filter.column);
    return column ? [filterInWords(filter, column)] : [];
  });
  if (view.search !== '') conditions.unshift(`the texts have “${view.search}”`);
  const orders = view.sorts.flatMap(({ column: name, direction }) => {
    const column = find(name);
    return column ? [`${column.label}, ${directionInWords(direction, column)}`] : [];
  });
  const rows = conditions.length === 0 ? 'All rows' : 'Rows';
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  const order =
    orders.length > 0
      ? `, by ${orders.join(', then by ')}`
      : view.search === ''
        ? ', in file order'
        : ', the best first';
  const version = view.asOf === undefined ? '' : `, as they were in version ${view.asOf}`;
  return `${rows} of ${dataset}${where}${order}${version}.`;
}

export function directionInWords(direction: Sort['direction'], { type }: Column): string {
  const isUp = direction === 'ASC';
  if (isTimeType(type)) return isUp ? 'earliest first' : 'latest first';
  if (type === 'STRING' || type === 'UUID') return isUp ? 'A to Z' : 'Z to A';
  return isUp ? 'lowest first' : 'highest first';
}
