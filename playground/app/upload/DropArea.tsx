import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type ReactElement } from 'react';
import { Icon } from '../shell/Icon';
import { addFiles } from './uploads';

/** What happens to files, by the half of the window that they are dropped on. */
type Half = 'waiting' | 'looked-at';

/** Makes the whole window a place to drop files on, and to paste them into. */
export function DropArea(): ReactElement | null {
  const [half, setHalf] = useState<Half | null>(null);
  const navigate = useNavigate();
  useEffect(() => {
    // Entering a child fires before leaving its parent; only the balance tells.
    let depth = 0;
    const take = (files: Iterable<File>, is: Half | 'offered') => {
      const first = addFiles(files, is)[0];
      if (is === 'looked-at' && first) {
        void navigate({ to: '/load/$id', params: { id: first.id } });
      }
    };
    const onEnter = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth += 1;
      setHalf(halfAt(event));
    };
    const onOver = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setHalf(halfAt(event));
    };
    const onLeave = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setHalf(null);
    };
    // In the capture phase: the code editor would take the drop for itself and insert a path.
    const onDrop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      depth = 0;
      setHalf(null);
      take(event.dataTransfer?.files ?? [], halfAt(event));
    };
    const onPaste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files;
      if (!files || files.length === 0) return;
      event.preventDefault();
      take(files, 'offered');
    };
    const listeners = {
      dragenter: onEnter,
      dragover: onOver,
      dragleave: onLeave,
      drop: onDrop,
      paste: onPaste,
    };
    for (const [name, listener] of Object.entries(listeners)) {
      window.addEventListener(name, listener as EventListener, { capture: true });
    }
    return () => {
      for (const [name, listener] of Object.entries(listeners)) {
        window.removeEventListener(name, listener as EventListener, { capture: true });
      }
    };
  }, [navigate]);

  if (half === null) return null;
  return (
    <div className="drop-area" aria-hidden="true">
      <p data-over={half === 'waiting'}>
        <Icon name="upload" />
        Load now
        <small>Sluice finds columns and types by itself</small>
      </p>
      <p data-over={half === 'looked-at'}>
        <Icon name="look" />
        Look first
        <small>See and correct what it found, then load</small>
      </p>
    </div>
  );
}

/** The upper half on a narrow window, the left half on a wide one, loads. */
function halfAt(event: DragEvent): Half {
  const isNarrow = window.innerWidth <= 700;
  const share = isNarrow ? event.clientY / window.innerHeight : event.clientX / window.innerWidth;
  return share < 0.5 ? 'waiting' : 'looked-at';
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}
