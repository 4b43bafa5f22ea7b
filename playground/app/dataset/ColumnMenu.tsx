import { Popover } from 'radix-ui';
import { useState, type ReactElement } from 'react';
import type { Column } from '../api/catalog';
import { Icon } from '../shell/Icon';

/** Which columns are shown. */
export function ColumnMenu(props: {
  columns: readonly Column[];
  hidden: readonly string[];
  onChange: (hidden: string[]) => void;
}): ReactElement {
  const { columns, hidden, onChange } = props;
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const found = columns.filter(({ label }) => label.toLowerCase().includes(wanted));
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="button">
          <Icon name="columns" />
          {hidden.length === 0
            ? 'Columns'
            : `${columns.length - hidden.length} of ${columns.length} columns`}
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
              {found.map(({ name, label }) => (
                <li key={name}>
                  <label>
                    <input
                      type="checkbox"
                      checked={!hidden.includes(name)}
                      onChange={(event) =>
                        onChange(
                          event.target.checked
                            ? hidden.filter((other) => other !== name)
                            : [...hidden, name],
                        )
                      }
                    />
                    {label}
                  </label>
                </li>
              ))}
            </ul>
            <button
              type="button"
              className="button"
              disabled={hidden.length === 0}
              onClick={() => onChange([])}
            >
              Show all
            </button>
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
