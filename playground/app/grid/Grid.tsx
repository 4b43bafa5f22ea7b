import {
  columnResizingFeature,
  columnSizingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, type KeyboardEvent, type ReactElement } from 'react';
import { Icon } from '../shell/Icon';
import { cellText, columnWidth } from './cell';
import './grid.css';

export type Row = Record<string, unknown>;

export interface GridColumn {
  id: string;
  label: string;
  /** Numbers stand at the right. */
  isNumber: boolean;
  /** The width of a typical value. */
  valuePx: number;
  /** Said below the label, such as the type. */
  hint?: string;
}

export interface Sort {
  column: string;
  direction: 'ASC' | 'DESC';
}

interface GridProps {
  label: string;
  columns: readonly GridColumn[];
  nRows: number;
  /** How many rows stand before the first one of this grid. */
  offset?: number;
  /** The row at this place of the grid; undefined while it is on its way. */
  rowAt: (index: number) => Row | undefined;
  /** Told which rows are looked at. */
  onRange?: (first: number, last: number) => void;
  /** A row to bring into view; a new object does it again. */
  target?: { index: number } | null;
  sort?: Sort | null;
  onSort?: (column: string) => void;
}

const ROW_PX = 32;
const HEADER_PX = 44;
const RESIZE_STEP_PX = 16;
const features = tableFeatures({ columnSizingFeature, columnResizingFeature });
const NO_ROWS: Row[] = [];

/**
 * A table of any length and width: only what is in view is in the document. It scrolls by the
 * arrow and page keys when focused.
 */
export function Grid(props: GridProps): ReactElement {
  const { columns, nRows, offset = 0, onRange, target } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const definitions = useMemo(
    () =>
      columns.map(({ id, label, valuePx }): ColumnDef<typeof features, Row> => ({
        id,
        size: columnWidth(label, valuePx),
        minSize: 56,
        maxSize: 1200,
      })),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: NO_ROWS,
    columnResizeMode: 'onChange',
  });
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const widths = headers.map((header) => header.getSize());

  const rowWindow = useVirtualizer({
    count: nRows,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
    paddingStart: HEADER_PX,
    scrollPaddingStart: HEADER_PX,
  });
  const columnWindow = useVirtualizer({
    count: columns.length,
    horizontal: true,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => widths[index] ?? 0,
    overscan: 3,
  });
  const allWidths = widths.join();
  useEffect(() => columnWindow.measure(), [columnWindow, allWidths]);

  const rows = rowWindow.getVirtualItems();
  const first = rows[0]?.index ?? 0;
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => onRange?.(first, last), [onRange, first, last]);
  useEffect(() => {
    if (target) rowWindow.scrollToIndex(target.index, { align: 'start' });
  }, [rowWindow, target]);

  const columnItems = columnWindow.getVirtualItems();
  const width = columnWindow.getTotalSize();
  return (
    <div className="grid" ref={scroller} tabIndex={0} role="region" aria-label={props.label}>
      <div
        role="table"
        aria-label={props.label}
        aria-rowcount={nRows + offset + 1}
        aria-colcount={columns.length}
        style={{ height: rowWindow.getTotalSize(), width, minWidth: '100%' }}
      >
        <div role="row" aria-rowindex={1} className="grid-header" style={{ width }}>
          {columnItems.map(({ index, start, size }) => {
            const header = headers[index];
            const column = columns[index];
            if (!header || !column) return null;
            return (
              <HeaderCell
                key={column.id}
                column={column}
                index={index}
                start={start}
                size={size}
                sort={props.sort ?? null}
                onSort={props.onSort}
                onDrag={header.getResizeHandler()}
                onStep={(px) =>
                  table.setColumnSizing((sizes) => ({ ...sizes, [column.id]: size + px }))
                }
              />
            );
          })}
        </div>
        {rows.map((row) => {
          const values = props.rowAt(row.index);
          return (
            <div
              key={row.key}
              role="row"
              aria-rowindex={row.index + offset + 2}
              aria-busy={values === undefined}
              className="grid-row"
              style={{ transform: `translateY(${row.start}px)`, width }}
            >
              {columnItems.map(({ index, start, size }) => {
                const column = columns[index];
                if (!column) return null;
                return (
                  <Cell
                    key={column.id}
                    column={column}
                    index={index}
                    style={{ left: start, width: size }}
                    values={values}
                  />
                );
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function HeaderCell(props: {
  column: GridColumn;
  index: number;
  start: number;
  size: number;
  sort: Sort | null;
  onSort: ((column: string) => void) | undefined;
  onDrag: (event: unknown) => void;
  onStep: (px: number) => void;
}): ReactElement {
  const { id, label, hint, isNumber } = props.column;
  const direction = props.sort?.column === id ? props.sort.direction : null;
  const content = (
    <>
      <span className="grid-label">
        {label}
        {hint !== undefined && <small>{hint}</small>}
      </span>
      {direction !== null && <Icon name={direction === 'ASC' ? 'ascending' : 'descending'} />}
    </>
  );
  function resizeByKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: -RESIZE_STEP_PX, ArrowRight: RESIZE_STEP_PX }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    props.onStep(step);
  }
  return (
    <div
      role="columnheader"
      aria-colindex={props.index + 1}
      aria-sort={direction === null ? 'none' : direction === 'ASC' ? 'ascending' : 'descending'}
      className="grid-head"
      data-number={isNumber}
      style={{ left: props.start, width: props.size }}
    >
      {props.onSort ? (
        <button type="button" title={`Sort by ${label}`} onClick={() => props.onSort?.(id)}>
          {content}
        </button>
      ) : (
        <span className="grid-head-text">{content}</span>
      )}
      <span
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label={`Width of ${label}`}
        aria-valuenow={props.size}
        className="grid-resizer"
        onMouseDown={props.onDrag}
        onTouchStart={props.onDrag}
        onKeyDown={resizeByKey}
      />
    </div>
  );
}

function Cell(props: {
  column: GridColumn;
  index: number;
  style: { left: number; width: number };
  values: Row | undefined;
}): ReactElement {
  const { column, values } = props;
  const shown = values && cellText(values[column.id]);
  return (
    <div
      role="cell"
      aria-colindex={props.index + 1}
      className="grid-cell"
      data-number={column.isNumber}
      data-kind={shown?.kind ?? 'pending'}
      title={shown?.kind === 'text' && shown.text.length > 16 ? shown.text : undefined}
      style={props.style}
    >
      {shown?.text}
    </div>
  );
}
