import { useState, type ReactElement, type ReactNode } from 'react';
import { keepFocus } from '../shell/focus';
import { Modal as Frame } from '../shell/Modal';
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
