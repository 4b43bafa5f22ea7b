/** How a value stands in a cell: always as text, exactly as the API gave it. */
export interface CellText {
  text: string;
  /** `null` and empty text look different from each other and from any text. */
  kind: 'text' | 'null' | 'empty';
}

export function cellText(value: unknown): CellText {
  if (value === null || value === undefined) return { text: 'null', kind: 'null' };
  if (value === '') return { text: 'empty', kind: 'empty' };
  if (typeof value === 'string') return { text: value, kind: 'text' };
  return { text: JSON.stringify(value), kind: 'text' };
}

/** Whether the values of a column are read from the right, as numbers are. */
export function isNumeric(values: readonly unknown[]): boolean {
  const present = values.filter((value) => value !== null && value !== undefined);
  return present.length > 0 && present.every((value) => typeof value === 'number');
}

const CHARACTER_PX = 8;
const MIN_PX = 84;
const MAX_PX = 340;

/** A width that shows the header whole and a typical value, without pushing the others away. */
export function columnWidth(label: string, valuePx: number): number {
  return Math.min(MAX_PX, Math.max(MIN_PX, valuePx, label.length * CHARACTER_PX + 56));
}
