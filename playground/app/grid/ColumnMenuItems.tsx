import { DropdownMenu } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import type { PlacedColumn } from './columns';
import { withPin, type GridLayout } from './layout';

const STEP_PX = 48;

/** What a column's menu offers in every grid: its pin, place and width. */
export function ColumnMenuItems(props: {
  placed: PlacedColumn;
  layout: GridLayout;
  onLayout: (layout: GridLayout) => void;
  onMove: (by: number) => void;
  onResize: (px: number) => void;
}): ReactElement {
  const { placed, layout, onLayout } = props;
  const { id } = placed.column;
  const isPinned = layout.pinned.includes(id);
  return (
    <>
      <MenuItem
        onSelect={() => onLayout({ ...layout, pinned: withPin(layout.pinned, id, !isPinned) })}
      >
        {isPinned ? 'Unpin' : 'Pin to the left'}
      </MenuItem>
      <MenuItem onSelect={() => props.onMove(-1)}>Move left</MenuItem>
      <MenuItem onSelect={() => props.onMove(1)}>Move right</MenuItem>
      <MenuItem isKept onSelect={() => props.onResize(STEP_PX)}>
        Wider
      </MenuItem>
      <MenuItem isKept onSelect={() => props.onResize(-STEP_PX)}>
        Narrower
      </MenuItem>
    </>
  );
}

/** One line of a menu; `isKept` leaves the menu open, to do it again. */
export function MenuItem(props: {
  children: ReactNode;
  isKept?: boolean;
  isDisabled?: boolean;
  onSelect: () => void;
}): ReactElement {
  return (
    <DropdownMenu.Item
      className="menu-item"
      disabled={props.isDisabled ?? false}
      onSelect={(event) => {
        if (props.isKept) event.preventDefault();
        props.onSelect();
      }}
    >
      {props.children}
    </DropdownMenu.Item>
  );
}

export function MenuLine(): ReactElement {
  return <DropdownMenu.Separator className="menu-line" />;
}
