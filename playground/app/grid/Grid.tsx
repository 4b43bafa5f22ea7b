import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useId, useRef, useState, type ReactElement } from 'react';
import { CellDetail, type LookedAt } from './CellDetail';
import { copyCells } from './clipboard';
import { ColumnMenuItems } from './ColumnMenuItems';
import { useColumns, type PlacedColumn } from './columns';
import './grid.css';
import { GridHeader } from './GridHeader';
import { GridRow, GUTTER_PX } from './GridRow';
import { HEADER_PX, ROW_PX } from './sizes';
import { handleKey } from './keys';
import { PLAIN_LAYOUT, withPlace, withWidth } from './layout';
import {
  bringIntoView,
  clamped,
  STEPS,
  unpinned,
  useSamePlaces,
  widthOf,
  withIndex,
} from './places';
import { GUTTER_COLUMN, HEADER_ROW, rectangleOf, type Marked, type Place } from './range';
import { pointerHandlers } from './pointer';
import { TallScroll } from './tall-scroll';
import type { EditedCell, EditStep, GridProps } from './types';

export type { GridColumn, GridProps, Row, Sort } from './types';

const NO_SORTS: [] = [];
const START: Marked = { anchor: { row: 0, column: 0 }, cursor: { row: 0, column: 0 } };
/** Pinned columns take no more of the window than this share. */
const MAX_PINNED_SHARE = 0.6;

/**
 * A table of any length and width: only what is in view is in the document. By the pattern of ARIA's
 * grid: one stop of the Tab key, a cursor moved by arrow and page keys, cells marked with Shift.
 */
export function Grid(props: GridProps): ReactElement {
  const { nRows, onRange, target, editing, gutter, rowAt, sorts = NO_SORTS } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [ownLayout, setOwnLayout] = useState(PLAIN_LAYOUT);
  const layout = props.layout ?? ownLayout;
  const onLayout = props.onLayout ?? setOwnLayout;
  const [marked, setMarked] = useState(START);
  const [edited, setEdited] = useState<EditedCell | null>(null);
  const [lookedAt, setLookedAt] = useState<LookedAt | null>(null);
  const [openMenu, setOpenMenu] = useState<string | null>(null);
  const [said, setSaid] = useState('');
  const hasGutter = gutter !== undefined;
  const gutterPx = hasGutter ? GUTTER_PX : 0;

  const [tall] = useState(() => new TallScroll());
  tall.contentPx = HEADER_PX + nRows * ROW_PX;
  const cursor = clamped(marked.cursor, nRows, props.columns.length);
  const rowWindow = useVirtualizer({
    count: nRows,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    observeElementOffset: tall.observe,
    scrollToFn: (offset) => tall.scrollTo(offset),
    overscan: 8,
    paddingStart: HEADER_PX,
    rangeExtractor: (range) => withIndex(range, edited?.row ?? cursor.row),
  });
  const windowPx = scroller.current?.clientWidth ?? 0;

  const placedAsPinned = useColumns(props.columns, layout, onLayout);
  const pinnedPx = widthOf(placedAsPinned.filter(({ isPinned }) => isPinned));
  const isTooNarrow = windowPx > 0 && gutterPx + pinnedPx > windowPx * MAX_PINNED_SHARE;
  const placed = isTooNarrow ? unpinned(placedAsPinned) : placedAsPinned;
  const pinned = placed.filter(({ isPinned }) => isPinned);
  const center = placed.filter(({ isPinned }) => !isPinned);
  const pinnedWidth = gutterPx + (isTooNarrow ? 0 : pinnedPx);
  const columnWindow = useVirtualizer({
    count: center.length,
    horizontal: true,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => center[index]?.width ?? 0,
    overscan: 2,
    paddingStart: pinnedWidth,
    rangeExtractor: (range) => withIndex(range, (edited?.column ?? cursor.column) - pinned.length),
  });
  const widths = center.map(({ width }) => width).join();
  useEffect(() => columnWindow.measure(), [columnWindow, widths, pinnedWidth]);

  const first = rowWindow.range?.startIndex ?? 0;
  const last = rowWindow.range?.endIndex ?? 0;
  useEffect(() => onRange?.(first, last), [onRange, first, last]);

  useEffect(() => {
    if (!target) return;
    tall.scrollTo(target.index * ROW_PX);
    const cell = { row: target.index, column: 0 };
    setMarked({ anchor: cell, cursor: cell });
  }, [tall, target]);

  function goTo(to: Place, isExtended = false): void {
    setMarked({
      anchor: isExtended ? clamped(marked.anchor, nRows, placed.length) : to,
      cursor: to,
    });
    setSaid('');
    if (scroller.current) bringIntoView(scroller.current, to, placed, pinnedWidth, tall);
  }
  function focus(): void {
    scroller.current?.focus({ preventScroll: true });
  }
  function edit(at: Place, text: string | null): void {
    const column = placed[at.column]?.column;
    if (!column || rowAt(at.row) === undefined) return;
    if (editing?.canEdit(column)) setEdited({ ...at, text });
    else if (text === null) look(at);
  }
  function look(at: Place): void {
    const column = placed[at.column]?.column;
    const row = rowAt(at.row);
    const element = document.getElementById(`${id}-${at.row}-${at.column}`);
    if (!column || !row || !element) return;
    const message = props.mark?.(at.row, column.id)?.message;
    setLookedAt({ column, value: row[column.id], message, element });
  }
  function endEdit(step: EditStep = 'stay'): void {
    setEdited(null);
    if (step === 'leave') return;
    focus();
    const [down, right] = STEPS[step];
    const from = edited ?? cursor;
    goTo(clamped({ row: from.row + down, column: from.column + right }, nRows, placed.length));
  }
  const rectangle = rectangleOf(
    { anchor: clamped(marked.anchor, nRows, placed.length), cursor },
    placed.length,
  );
  const markedColumns = placed
    .slice(rectangle.firstColumn, rectangle.lastColumn + 1)
    .map(({ column }) => column);
  function resize({ column, width }: PlacedColumn, px: number): void {
    onLayout(withWidth(layout, column.id, width + px));
  }
  function moveColumn(column: string, to: number): void {
    const names = placed.map((other) => other.column.id);
    onLayout(withPlace(layout, names, column, to));
  }
  const pointer = pointerHandlers({
    edited,
    cursor: marked.cursor,
    gutter,
    focus,
    goTo,
    markTo: (to) => setMarked({ anchor: marked.anchor, cursor: to }),
    edit,
  });

  const inView = columnWindow.getVirtualItems().flatMap(({ index }) => center[index] ?? []);
  const shownColumns = useSamePlaces(inView, props.columns);
  const pinnedColumns = useSamePlaces(pinned, props.columns);
  const width = pinnedWidth + widthOf(center);
  const editedColumn = edited && placed[edited.column]?.column;
  return (
    <>
      <div
        className="grid"
        ref={scroller}
        tabIndex={0}
        role="grid"
        aria-label={props.label}
        aria-rowcount={nRows + 1}
        aria-colcount={placed.length + (hasGutter ? 1 : 0)}
        aria-multiselectable
        aria-readonly={!editing}
        aria-activedescendant={edited ? undefined : `${id}-${cursor.row}-${cursor.column}`}
        {...pointer}
        onKeyDown={(event) => {
          if (event.target !== event.currentTarget) return;
          handleKey(event, {
            cursor,
            extent: {
              nRows,
              nColumns: placed.length,
              firstColumn: hasGutter ? GUTTER_COLUMN : 0,
              pageRows: Math.max(
                1,
                Math.floor((event.currentTarget.clientHeight - HEADER_PX) / ROW_PX) - 1,
              ),
            },
            goTo,
            markAll: () =>
              setMarked({
                anchor: { row: 0, column: 0 },
                cursor: { row: nRows - 1, column: placed.length - 1 },
              }),
            edit,
            look,
            clear: () => editing?.onClear(rectangle, markedColumns),
            pick: (row, isRange) => {
              if (gutter?.canPick) gutter.onPick(row, !gutter.isPicked(row), isRange);
            },
            openRow: (row) => gutter?.onOpen(row),
            openMenu: (column) => setOpenMenu(placed[column]?.column.id ?? null),
            sort: (column, isAdded) => {
              const name = placed[column]?.column.id;
              if (name !== undefined) props.onSort?.(name, isAdded);
            },
            resize: (column, px) => {
              const at = placed[column];
              if (at) resize(at, px);
            },
            moveColumn: (column, by) => {
              const name = placed[column]?.column.id;
              if (name === undefined || !placed[column + by]) return;
              moveColumn(name, column + by);
              goTo({ row: HEADER_ROW, column: column + by });
            },
            other: () => props.onKey?.(event, cursor),
          });
        }}
        onCopy={(event) => {
          if (event.target !== event.currentTarget || cursor.row < 0) return;
          void copyCells(event, rectangle, markedColumns, props).then(setSaid);
        }}
        onCut={(event) => {
          if (event.target !== event.currentTarget || cursor.row < 0) return;
          void copyCells(event, rectangle, markedColumns, props).then(setSaid);
          editing?.onClear(rectangle, markedColumns);
        }}
        onPaste={(event) => {
          if (event.target !== event.currentTarget || cursor.row < 0 || !editing) return;
          event.preventDefault();
          const columns = placed
            .slice(Math.max(0, rectangle.firstColumn))
            .map(({ column }) => column);
          editing.onPaste(rectangle, columns, event.clipboardData.getData('text/plain'));
        }}
      >
        <div role="presentation" style={{ height: tall.boxPx, width, minWidth: '100%' }}>
          <GridHeader
            id={id}
            width={width}
            pinnedWidth={pinnedWidth}
            pinned={pinnedColumns}
            center={shownColumns}
            hasGutter={hasGutter}
            cursor={cursor.row === HEADER_ROW ? cursor.column : null}
            sorts={sorts}
            onSort={props.onSort}
            menu={
              props.menu &&
              ((at) => (
                <>
                  {props.menu?.(at.column)}
                  <ColumnMenuItems
                    placed={at}
                    layout={layout}
                    onLayout={onLayout}
                    onMove={(by) => moveColumn(at.column.id, at.index + by)}
                    onResize={(px) => resize(at, px)}
                  />
                </>
              ))
            }
            openMenu={openMenu}
            onMenu={setOpenMenu}
            onMove={moveColumn}
            onLeave={focus}
          />
          {rowWindow.getVirtualItems().map((row) => {
            const isMarked = row.index >= rectangle.firstRow && row.index <= rectangle.lastRow;
            const isEdited = edited?.row === row.index;
            return (
              <GridRow
                key={row.key}
                id={id}
                index={row.index}
                top={row.start - tall.base}
                width={width}
                pinnedWidth={pinnedWidth}
                values={rowAt(row.index)}
                pinned={pinnedColumns}
                center={shownColumns}
                hasGutter={hasGutter}
                canPick={gutter?.canPick ?? false}
                isPicked={gutter?.isPicked(row.index) ?? false}
                cursor={cursor.row === row.index ? cursor.column : null}
                firstMarked={isMarked ? rectangle.firstColumn : -1}
                lastMarked={isMarked ? rectangle.lastColumn : -2}
                mark={props.mark}
                editedColumn={isEdited ? edited.column : null}
                editor={
                  isEdited && editedColumn ? editing?.editor(edited, editedColumn, endEdit) : null
                }
              />
            );
          })}
        </div>
      </div>
      <p role="status" className="unseen">
        {said}
      </p>
      {lookedAt && (
        <CellDetail
          cell={lookedAt}
          onClose={() => {
            setLookedAt(null);
            focus();
          }}
        />
      )}
    </>
  );
}
