import { useNavigate } from '@tanstack/react-router';
import { useRef, type ReactElement, type ReactNode } from 'react';
import { addFiles } from './uploads';

/** A button that opens the file dialog; what is chosen is loaded, looked at, or asked about. */
export function ChooseFiles(props: {
  className: string;
  children: ReactNode;
  then?: 'offered' | 'waiting' | 'looked-at';
}): ReactElement {
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  return (
    <>
      <button type="button" className={props.className} onClick={() => input.current?.click()}>
        {props.children}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          const added = addFiles(event.target.files ?? [], props.then);
          // So that the same file can be chosen again.
          event.target.value = '';
          const first = added[0];
          if (props.then === 'looked-at' && first) {
            void navigate({ to: '/load/$id', params: { id: first.id } });
          }
        }}
      />
    </>
  );
}
