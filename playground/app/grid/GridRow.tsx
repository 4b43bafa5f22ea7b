import { memo, type ReactElement, type ReactNode } from 'react';
import { Icon } from '../shell/Icon';
import { cellText } from './cell';
import type { PlacedColumn } from './columns';
import { GUTTER_COLUMN } from './range';
import type { CellMark, Row } from './types';

export const GUTTER_PX = 72;

export interface GridRowProps {
  id: string;
  index: number;
  top: number;
  width: number;
  pinnedWidth: number;
  values: Row | undefined;
  pinned: readonly PlacedColumn[];
  center: readonly PlacedColumn[];
  hasGutter: boolean;
  canPick: boolean;
  isPicked: boolean;
  /** The column of the cursor when it stands in this row, else null. */
  cursor: number | null;
  /** The columns of this row that are marked. */
  firstMarked: number;
  lastMarked: number;
  mark: ((index: number, column: string) => CellMark | undefined) | undefined;
  editedColumn: number | null;
  editor: ReactNode;
}

/** One row of a grid. It is drawn again only when something of it has changed. */
export const GridRow = memo(function GridRow(props: GridRowProps): ReactElement {
  const { index, values, pinnedWidth } = props;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-busy={values === undefined}
      aria-selected={props.canPick ? props.isPicked : undefined}
      className="grid-row"
      data-row={index}
      data-picked={props.isPicked}
      style={{ transform: `translateY(${props.top}px)`, width: props.width }}
    >
      {pinnedWidth > 0 && (
        <div role="presentation" className="grid-pinned" style={{ width: pinnedWidth }}>
          {props.hasGutter && <Gutter {...props} />}
          {values &&
            props.pinned.map((placed) => (
              <Cell key={placed.column.id} placed={placed} row={props} values={values} />
            ))}
        </div>
      )}
      {values ? (
        props.center.map((placed) => (
          <Cell key={placed.column.id} placed={placed} row={props} values={values} />
        ))
      ) : (
        <div
          role="gridcell"
          className="grid-cell"
          data-kind="pending"
          style={{ left: pinnedWidth, right: 0 }}
        />
      )}
    </div>
  );
});

function Gutter(props: GridRowProps): ReactElement {
  const { index, isPicked, cursor, id } = props;
  const number = index + 1;
  return (
    <div
      role="rowheader"
      id={`${id}-${index}-${GUTTER_COLUMN}`}
      aria-colindex={1}
      className="grid-gutter"
      data-column={GUTTER_COLUMN}
      data-cursor={cursor === GUTTER_COLUMN}
      style={{ left: 0, width: GUTTER_PX }}
    >
      {props.canPick && (
        <input
          type="checkbox"
          tabIndex={-1}
          checked={isPicked}
          aria-label={`Pick row ${number}`}
          className="grid-pick"
          onChange={ignore}
        />
      )}
      <span className="grid-number">{number}</span>
      <button
        type="button"
        tabIndex={-1}
        className="grid-open"
        aria-label={`Open row ${number}`}
        title="Open the row"
      >
        <Icon name="expand" />
      </button>
    </div>
  );
}

/** Clicks are heard by the grid, which knows about Shift. */
function ignore(): void {}

function Cell(props: { placed: PlacedColumn; row: GridRowProps; values: Row }): ReactElement {
  const { placed, row, values } = props;
  const { column, index, width, left, isPinned } = placed;
  const shown = cellText(values[column.id]);
  const mark = row.mark?.(row.index, column.id);
  const isEdited = row.editedColumn === index;
  // Pinned cells stand in a box of their own, behind the row numbers.
  const start = isPinned ? left + (row.hasGutter ? GUTTER_PX : 0) : left + row.pinnedWidth;
  return (
    <div
      role="gridcell"
      id={`${row.id}-${row.index}-${index}`}
      aria-colindex={index + (row.hasGutter ? 2 : 1)}
      aria-invalid={mark?.kind === 'failed' ? true : undefined}
      aria-selected={index >= row.firstMarked && index <= row.lastMarked}
      className="grid-cell"
      data-column={index}
      data-number={column.isNumber}
      data-kind={shown.kind}
      data-cursor={row.cursor === index}
      data-marked={index >= row.firstMarked && index <= row.lastMarked}
      data-mark={mark?.kind}
      data-edited={isEdited}
      style={{ left: start, width }}
    >
      {isEdited ? row.editor : shown.text}
      {mark?.message !== undefined && !isEdited && (
        <span className="grid-message">{mark.message}</span>
      )}
    </div>
  );
}
