import { useState, type ReactElement, type ReactNode } from 'react';

/** Something to open; what is in it is only there once it was. */
export function Fold(props: {
  title: ReactNode;
  className: string;
  isOpenAtFirst?: boolean;
  children: () => ReactNode;
}): ReactElement {
  const [isOpen, setOpen] = useState(props.isOpenAtFirst ?? false);
  return (
    <details
      className={props.className}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>{props.title}</summary>
      {isOpen && props.children()}
    </details>
  );
}
