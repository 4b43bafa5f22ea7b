import { Dialog } from 'radix-ui';
import type { ReactElement, ReactNode } from 'react';
import { Icon } from './Icon';

/** A dialog with a title; it keeps the focus, and gives it back. */
export function Modal(props: {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
  title: string;
  description?: ReactNode;
  isWide?: boolean;
  /** What opens it, where that is one button. */
  trigger?: ReactNode;
  /** Called when the focus is given back. */
  onCloseAutoFocus?: () => void;
  children: ReactNode;
}): ReactElement {
  return (
    <Dialog.Root open={props.isOpen} onOpenChange={props.onOpenChange}>
      {props.trigger && <Dialog.Trigger asChild>{props.trigger}</Dialog.Trigger>}
      <Dialog.Portal>
        <Dialog.Overlay className="modal-shade" />
        <Dialog.Content
          className={props.isWide ? 'modal wide' : 'modal'}
          {...(props.description === undefined && { 'aria-describedby': undefined })}
          {...(props.onCloseAutoFocus && { onCloseAutoFocus: props.onCloseAutoFocus })}
        >
          <div className="modal-title">
            <Dialog.Title>{props.title}</Dialog.Title>
            <Dialog.Close className="button quiet icon-only" aria-label="Close">
              <Icon name="close" />
            </Dialog.Close>
          </div>
          {props.description !== undefined && (
            <Dialog.Description asChild>
              <div className="hint">{props.description}</div>
            </Dialog.Description>
          )}
          {props.children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
