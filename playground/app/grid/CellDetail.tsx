import { Popover } from 'radix-ui';
import { useState, type ReactElement } from 'react';
import { copyText } from '../clipboard';
import { Icon } from '../shell/Icon';
import { cellText } from './cell';
import type { GridColumn } from './types';

/** A cell that is looked at, and where it stands in the document. */
export interface LookedAt {
  column: GridColumn;
  value: unknown;
  message: string | undefined;
  element: Element;
}

/** The whole value of a cell, however long: as text, to be selected and copied. */
export function CellDetail(props: { cell: LookedAt; onClose: () => void }): ReactElement {
  const { column, value, message, element } = props.cell;
  const [isCopied, setCopied] = useState(false);
  const shown = cellText(value);
  const text =
    typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : shown.text;
  return (
    <Popover.Root open onOpenChange={(isOpen) => !isOpen && props.onClose()}>
      <Popover.Anchor virtualRef={{ current: element }} />
      <Popover.Portal>
        <Popover.Content
          aria-label={`Value of ${column.label}`}
          className="popover cell-detail"
          align="start"
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={(event) => event.preventDefault()}
        >
          <header>
            <strong>{column.label}</strong>
            {column.hint !== undefined && <span className="hint">{column.hint}</span>}
          </header>
          {message !== undefined && (
            <p role="alert" className="failure">
              {message}
            </p>
          )}
          <div
            className="cell-value"
            data-kind={shown.kind}
            tabIndex={0}
            role="region"
            aria-label="Value"
          >
            {text}
          </div>
          <footer>
            <span className="hint">
              {shown.kind === 'text' && `${text.length} character${text.length === 1 ? '' : 's'}`}
            </span>
            <button
              type="button"
              className="button"
              onClick={() => void copyText(shown.kind === 'text' ? text : '').then(setCopied)}
            >
              <Icon name={isCopied ? 'check' : 'copy'} />
              {isCopied ? 'Copied' : 'Copy'}
            </button>
          </footer>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
