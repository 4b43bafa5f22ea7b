import { AlertDialog } from 'radix-ui';
import { useId, useState, type ReactElement, type ReactNode } from 'react';
import { keepFocus } from './focus';
import { Problem } from './Problem';

/** Asks before something that cannot be taken back, and tells what went wrong with it. */
export function Confirm(props: {
  trigger: ReactNode;
  title: string;
  /** What the button says that does it. */
  action: string;
  /** A word that must be typed first. */
  word?: string;
  isDanger?: boolean;
  /** Does it; the dialog stays open, with the reason, where this fails. */
  onConfirm: () => Promise<unknown>;
  /** Called when it is done, as the dialog closes. */
  onDone?: () => void;
  /** How far it is, for what takes its time. */
  progress?: ReactNode;
  children: ReactNode;
}): ReactElement {
  const { word } = props;
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [typed, setTyped] = useState('');
  const wordId = useId();
  const isBlocked = isBusy || (word !== undefined && typed !== word);
  function toggle(open: boolean): void {
    setTyped('');
    setProblem(null);
    setOpen(open);
  }
  async function confirm(): Promise<void> {
    if (isBlocked) return;
    setBusy(true);
    setProblem(null);
    try {
      await props.onConfirm();
      setOpen(false);
      props.onDone?.();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
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
            {props.progress}
            {problem !== null && <Problem error={problem} />}
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
