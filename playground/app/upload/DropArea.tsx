import { useEffect, useRef, useState, type ReactElement, type ReactNode } from 'react';
import { addFiles } from './uploads';

/** Makes the whole window a place to drop files on. */
export function DropArea(): ReactElement | null {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    // Entering a child fires before leaving its parent; only the balance tells.
    let depth = 0;
    const onEnter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const onOver = (event: DragEvent) => {
      if (carriesFiles(event)) event.preventDefault();
    };
    const onLeave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    // In the capture phase: the code editor would take the drop for itself and insert a path.
    const onDrop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      depth = 0;
      setOver(false);
      addFiles(event.dataTransfer?.files ?? []);
    };
    const listeners = { dragenter: onEnter, dragover: onOver, dragleave: onLeave, drop: onDrop };
    for (const [name, listener] of Object.entries(listeners)) {
      window.addEventListener(name, listener as EventListener, { capture: true });
    }
    return () => {
      for (const [name, listener] of Object.entries(listeners)) {
        window.removeEventListener(name, listener as EventListener, { capture: true });
      }
    };
  }, []);

  if (!isOver) return null;
  return (
    <div className="drop-area" aria-hidden="true">
      <p>Drop to load</p>
    </div>
  );
}

/** A button that opens the file dialog. */
export function ChooseFiles(props: { className: string; children: ReactNode }): ReactElement {
  const input = useRef<HTMLInputElement>(null);
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
          addFiles(event.target.files ?? []);
          // So that the same file can be chosen again.
          event.target.value = '';
        }}
      />
    </>
  );
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}
