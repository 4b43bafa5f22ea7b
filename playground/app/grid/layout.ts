/** How the columns of a grid stand: a reader's own, kept beside the data. */
export interface GridLayout {
  /** Columns in the order they were moved to; those that are not named follow in their own. */
  order: readonly string[];
  /** Columns that stay at the left. */
  pinned: readonly string[];
  /** Widths in pixels that differ from what a column asks for. */
  widths: Readonly<Record<string, number>>;
}

export const PLAIN_LAYOUT: GridLayout = { order: [], pinned: [], widths: {} };

export const MIN_WIDTH_PX = 56;
export const MAX_WIDTH_PX = 1200;

/** Columns moved so that one stands where another is. */
export function movedTo(order: readonly string[], column: string, place: number): string[] {
  const others = order.filter((name) => name !== column);
  return others.toSpliced(Math.max(0, Math.min(place, others.length)), 0, column);
}

export function withWidth(layout: GridLayout, column: string, px: number): GridLayout {
  return { ...layout, widths: { ...layout.widths, [column]: Math.max(MIN_WIDTH_PX, px) } };
}

/** A pinned column moves among the pinned ones, any other among the others. */
export function withPlace(
  layout: GridLayout,
  columns: readonly string[],
  column: string,
  place: number,
): GridLayout {
  const order = movedTo(columns, column, place);
  const isPinned = (name: string) => layout.pinned.includes(name);
  return { ...layout, order, pinned: isPinned(column) ? order.filter(isPinned) : layout.pinned };
}

export function withPin(pinned: readonly string[], column: string, isPinned: boolean): string[] {
  const others = pinned.filter((name) => name !== column);
  return isPinned ? [...others, column] : others;
}
