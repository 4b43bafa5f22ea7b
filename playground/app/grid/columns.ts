import {
  columnOrderingFeature,
  columnPinningFeature,
  columnResizingFeature,
  columnSizingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
} from '@tanstack/react-table';
import { useMemo } from 'react';
import { columnWidth } from './cell';
import { MAX_WIDTH_PX, MIN_WIDTH_PX, type GridLayout } from './layout';
import type { GridColumn, Row } from './types';

/** A column where it stands. */
export interface PlacedColumn {
  column: GridColumn;
  /** Its place among all columns, from the left. */
  index: number;
  width: number;
  /** From the left of the pinned ones, or of the others. */
  left: number;
  isPinned: boolean;
  onDrag: (event: unknown) => void;
}

const features = tableFeatures({
  columnOrderingFeature,
  columnPinningFeature,
  columnResizingFeature,
  columnSizingFeature,
});
const NO_ROWS: Row[] = [];

/** Order, pins and widths: TanStack Table's state, held by whoever shows the grid. */
export function useColumns(
  columns: readonly GridColumn[],
  layout: GridLayout,
  onLayout: (layout: GridLayout) => void,
): PlacedColumn[] {
  const definitions = useMemo(
    () =>
      columns.map(({ id, label, valuePx }): ColumnDef<typeof features, Row> => ({
        id,
        size: columnWidth(label, valuePx),
        minSize: MIN_WIDTH_PX,
        maxSize: MAX_WIDTH_PX,
      })),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: NO_ROWS,
    columnResizeMode: 'onChange',
    state: {
      columnOrder: [...layout.order],
      columnPinning: { start: [...layout.pinned], end: [] },
      columnSizing: { ...layout.widths },
    },
    onColumnSizingChange: (change) => {
      const widths = typeof change === 'function' ? change({ ...layout.widths }) : change;
      onLayout({ ...layout, widths });
    },
  });
  const byId = new Map(columns.map((column) => [column.id, column]));
  const placed: PlacedColumn[] = [];
  for (const isPinned of [true, false]) {
    const group = isPinned ? table.getStartHeaderGroups() : table.getCenterHeaderGroups();
    let left = 0;
    for (const header of group[0]?.headers ?? []) {
      const column = byId.get(header.column.id);
      if (!column) continue;
      const width = header.getSize();
      placed.push({
        column,
        index: placed.length,
        width,
        left,
        isPinned,
        onDrag: header.getResizeHandler(),
      });
      left += width;
    }
  }
  return placed;
}
