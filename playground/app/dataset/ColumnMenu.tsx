import { Popover } from 'radix-ui';
import { useState, type ReactElement } from 'react';
import type { Column } from '../api/catalog';
import { movedTo } from '../grid/layout';
import { Icon } from '../shell/Icon';

/** Which columns are shown, and in which order. */
export function ColumnMenu(props: {
  /** In the order in which they stand. */
  columns: readonly Column[];
  hidden: readonly string[];
  onHidden: (hidden: string[]) => void;
  onOrder: (order: string[]) => void;
  /** Null when nothing was arranged. */
  onReset: (() => void) | null;
}): ReactElement {
  const { columns, hidden, onHidden, onOrder } = props;
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const found = columns.filter(({ label }) => label.toLowerCase().includes(wanted));
  const names = columns.map(({ name }) => name);
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="button">
          <Icon name="columns" />
          <span>
            {hidden.length === 0
              ? 'Columns'
              : `${columns.length - hidden.length} of ${columns.length} columns`}
          </span>
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          aria-label="Columns"
          className="popover"
          align="end"
          sideOffset={6}
          collisionPadding={8}
        >
          <div className="column-menu">
            <input
              type="search"
              className="input"
              placeholder="Search"
              aria-label="Search columns"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
            <ul>
              {found.map(({ name, label }) => {
                const place = names.indexOf(name);
                return (
                  <li key={name}>
                    <label>
                      <input
                        type="checkbox"
                        checked={!hidden.includes(name)}
                        onChange={(event) =>
                          onHidden(
                            event.target.checked
                              ? hidden.filter((other) => other !== name)
                              : [...hidden, name],
                          )
                        }
                      />
                      {label}
                    </label>
                    {wanted === '' && (
                      <>
                        <MoveButton
                          label={`Move ${label} up`}
                          icon="ascending"
                          isDisabled={place === 0}
                          onMove={() => onOrder(movedTo(names, name, place - 1))}
                        />
                        <MoveButton
                          label={`Move ${label} down`}
                          icon="descending"
                          isDisabled={place === names.length - 1}
                          onMove={() => onOrder(movedTo(names, name, place + 1))}
                        />
                      </>
                    )}
                  </li>
                );
              })}
            </ul>
            <div className="column-actions">
              <button
                type="button"
                className="button"
                disabled={hidden.length === 0}
                onClick={() => onHidden([])}
              >
                Show all
              </button>
              <button
                type="button"
                className="button"
                disabled={!props.onReset}
                title="Order, pins, widths and hidden columns as they were"
                onClick={() => props.onReset?.()}
              >
                Reset
              </button>
            </div>
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function MoveButton(props: {
  label: string;
  icon: 'ascending' | 'descending';
  isDisabled: boolean;
  onMove: () => void;
}): ReactElement {
  return (
    <button
      type="button"
      className="button quiet icon-only"
      aria-label={props.label}
      disabled={props.isDisabled}
      onClick={props.onMove}
    >
      <Icon name={props.icon} />
    </button>
  );
}
