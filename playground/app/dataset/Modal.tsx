import { AlertDialog } from 'radix-ui';
import { useId, useState, type ReactElement, type ReactNode } from 'react';
import { Modal as Frame } from '../shell/Modal';
import type { Change } from './change';
import { Progress } from './Progress';
import { Problem } from '../shell/Problem';
import './modal.css';

/** A dialog that a button opens; its content is made anew each time. */
export function Modal(props: {
  trigger: ReactNode;
  title: string;
  isWide?: boolean;
  children: (close: () => void) => ReactNode;
}): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <Frame
      isOpen={isOpen}
      onOpenChange={setOpen}
      title={props.title}
      isWide={props.isWide ?? false}
      trigger={props.trigger}
      onCloseAutoFocus={keepFocus}
    >
      {props.children(() => setOpen(false))}
    </Frame>
  );
}

/** Asks before something that cannot be taken back with one press. */
export function Confirm<Input>(props: {
  trigger: ReactNode;
  title: string;
  /** What the button says that does it. */
  action: string;
  /** A word that must be typed first. */
  word?: string;
  isDanger?: boolean;
  change: Change<Input>;
  input: Input;
  /** Called when it is done, as the dialog closes. */
  onDone?: () => void;
  children: ReactNode;
}): ReactElement {
  const { change, word } = props;
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const wordId = useId();
  const isBlocked = change.isRunning || (word !== undefined && typed !== word);
  function toggle(open: boolean): void {
    if (open) {
      setTyped('');
      change.reset();
    }
    setOpen(open);
  }
  async function confirm(): Promise<void> {
    if (isBlocked || (await change.run(props.input)) === false) return;
    setOpen(false);
    props.onDone?.();
  }
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={toggle}>
      <AlertDialog.Trigger asChild>{props.trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="modal-shade" />
        <AlertDialog.Content className="modal" onCloseAutoFocus={keepFocus}>
          <div className="modal-title">
            <AlertDialog.Title>{props.title}</AlertDialog.Title>
          </div>
          <form
            className="dialog-form"
            onSubmit={(event) => {
              event.preventDefault();
              void confirm();
            }}
          >
            <AlertDialog.Description asChild>
              <div className="dialog-text">{props.children}</div>
            </AlertDialog.Description>
            {word !== undefined && (
              <>
                <label htmlFor={wordId}>
                  Type <code>{word}</code> to confirm
                </label>
                <input
                  id={wordId}
                  className="input mono"
                  autoComplete="off"
                  spellCheck={false}
                  value={typed}
                  onChange={(event) => setTyped(event.target.value)}
                />
              </>
            )}
            <Progress change={change} />
            <Problem error={change.error} />
            <div className="dialog-actions">
              <AlertDialog.Cancel asChild>
                <button type="button" className="button">
                  Cancel
                </button>
              </AlertDialog.Cancel>
              <button
                type="submit"
                className={props.isDanger ? 'button danger' : 'button primary'}
                disabled={isBlocked}
              >
                {props.action}
              </button>
            </div>
          </form>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** Where the button that opened the dialog is gone by now, its tab is the nearest place. */
function keepFocus(): void {
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>('[role=tabpanel]')?.focus();
  });
}
