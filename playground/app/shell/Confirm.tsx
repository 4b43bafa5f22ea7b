import { AlertDialog } from 'radix-ui';
import { useState, type ReactElement, type ReactNode } from 'react';
import { Problem } from './Problem';

/** Asks before something that cannot be taken back, and tells what went wrong with it. */
export function Confirm(props: {
  trigger: ReactElement;
  title: string;
  children: ReactNode;
  action: string;
  onConfirm: () => Promise<unknown>;
}): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  async function confirm(): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      await props.onConfirm();
      setOpen(false);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={setOpen}>
      <AlertDialog.Trigger asChild>{props.trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="modal-shade" />
        <AlertDialog.Content className="modal">
          <AlertDialog.Title>{props.title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div>{props.children}</div>
          </AlertDialog.Description>
          {problem !== null && <Problem error={problem} />}
          <div className="actions">
            <button
              type="button"
              className="button danger"
              disabled={isBusy}
              onClick={() => void confirm()}
            >
              {isBusy ? 'One moment…' : props.action}
            </button>
            <AlertDialog.Cancel className="button">Keep it</AlertDialog.Cancel>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
