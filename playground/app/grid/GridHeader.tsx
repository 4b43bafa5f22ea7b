import { DropdownMenu } from 'radix-ui';
import {
  useState,
  type DragEvent,
  type MouseEvent,
  type ReactElement,
  type ReactNode,
} from 'react';
import { Icon } from '../shell/Icon';
import type { PlacedColumn } from './columns';
import { GUTTER_PX } from './GridRow';
import { GUTTER_COLUMN, HEADER_ROW } from './range';
import type { GridColumn, Sort } from './types';

interface GridHeaderProps {
  id: string;
  width: number;
  pinnedWidth: number;
  pinned: readonly PlacedColumn[];
  center: readonly PlacedColumn[];
  hasGutter: boolean;
  cursor: number | null;
  sorts: readonly Sort[];
  onSort: ((column: string, isAdded: boolean) => void) | undefined;
  menu: ((placed: PlacedColumn) => ReactNode) | undefined;
  openMenu: string | null;
  onMenu: (column: string | null) => void;
  onMove: (column: string, to: number) => void;
  /** Gives the keyboard back to the grid. */
  onLeave: () => void;
}

/** The names of the columns. The keyboard reaches them from the cells; Enter opens a menu. */
export function GridHeader(props: GridHeaderProps): ReactElement {
  const { width, pinnedWidth, hasGutter } = props;
  return (
    <div
      role="row"
      aria-rowindex={1}
      className="grid-header"
      data-row={HEADER_ROW}
      style={{ width }}
    >
      {pinnedWidth > 0 && (
        <div role="presentation" className="grid-pinned" style={{ width: pinnedWidth }}>
          {hasGutter && (
            <div
              role="columnheader"
              id={`${props.id}-${HEADER_ROW}-${GUTTER_COLUMN}`}
              aria-colindex={1}
              className="grid-gutter"
              data-column={GUTTER_COLUMN}
              data-cursor={props.cursor === GUTTER_COLUMN}
              style={{ left: 0, width: GUTTER_PX }}
            >
              <span className="unseen">Row number</span>
            </div>
          )}
          {props.pinned.map((placed) => (
            <HeaderCell key={placed.column.id} placed={placed} header={props} />
          ))}
        </div>
      )}
      {props.center.map((placed) => (
        <HeaderCell key={placed.column.id} placed={placed} header={props} />
      ))}
    </div>
  );
}

function HeaderCell(props: { placed: PlacedColumn; header: GridHeaderProps }): ReactElement {
  const { placed, header } = props;
  const { column, index, width, left, isPinned } = placed;
  const { id, label, hint } = column;
  const [isOver, setOver] = useState(false);
  const place = header.sorts.findIndex((sort) => sort.column === id);
  const direction = header.sorts[place]?.direction;
  const start = isPinned ? left + (header.hasGutter ? GUTTER_PX : 0) : left + header.pinnedWidth;
  const content = (
    <>
      <span className="grid-label">
        {label}
        {hint !== undefined && <small>{hint}</small>}
      </span>
      {direction && <Icon name={direction === 'ASC' ? 'ascending' : 'descending'} />}
      {direction && header.sorts.length > 1 && <small className="grid-place">{place + 1}</small>}
    </>
  );
  function drop(event: DragEvent): void {
    event.preventDefault();
    setOver(false);
    const moved = event.dataTransfer.getData(DRAG_TYPE);
    if (moved !== '') header.onMove(moved, index);
  }
  return (
    <div
      role="columnheader"
      id={`${header.id}-${HEADER_ROW}-${index}`}
      aria-colindex={index + (header.hasGutter ? 2 : 1)}
      aria-sort={
        direction === undefined ? 'none' : direction === 'ASC' ? 'ascending' : 'descending'
      }
      className="grid-head"
      data-column={index}
      data-number={column.isNumber}
      data-cursor={header.cursor === index}
      data-over={isOver}
      style={{ left: start, width }}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(DRAG_TYPE)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {header.onSort ? (
        <button
          type="button"
          tabIndex={-1}
          draggable
          title={`Sort by ${label}; with Shift, beside the other sorts`}
          onDragStart={(event) => {
            event.dataTransfer.setData(DRAG_TYPE, id);
            event.dataTransfer.effectAllowed = 'move';
          }}
          onClick={(event: MouseEvent) => header.onSort?.(id, event.shiftKey)}
        >
          {content}
        </button>
      ) : (
        <span className="grid-head-text">{content}</span>
      )}
      {header.menu && <HeaderMenu placed={placed} header={header} />}
      <span
        className="grid-resizer"
        aria-hidden="true"
        onMouseDown={placed.onDrag}
        onTouchStart={placed.onDrag}
      />
    </div>
  );
}

const DRAG_TYPE = 'application/x-sluice-column';

function HeaderMenu(props: { placed: PlacedColumn; header: GridHeaderProps }): ReactElement {
  const { placed, header } = props;
  const { id, label }: GridColumn = placed.column;
  return (
    <DropdownMenu.Root
      open={header.openMenu === id}
      onOpenChange={(isOpen) => header.onMenu(isOpen ? id : null)}
      modal={false}
    >
      <DropdownMenu.Trigger asChild>
        <button
          type="button"
          tabIndex={-1}
          className="grid-menu-button"
          aria-label={`Menu of ${label}`}
        >
          <Icon name="more" />
        </button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          align="end"
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            header.onLeave();
          }}
        >
          {header.menu?.(placed)}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
