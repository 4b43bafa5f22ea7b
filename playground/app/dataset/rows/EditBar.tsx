import { useEffect, useRef, type ReactElement } from 'react';
import { countOf } from '../../format';
import { Icon } from '../../shell/Icon';
import type { Edits } from './edits';
import { NO_HISTORY, useHistories } from './history';
import type { Picks } from './picks';

/** Undo, redo, a new row, and what is to be done with the rows that were picked. */
export function EditBar(props: {
  dataset: string;
  edits: Edits;
  picks: Picks;
  onAdd: () => void;
}): ReactElement {
  const { edits, picks } = props;
  const { past, future } = useHistories((all) => all[props.dataset]) ?? NO_HISTORY;
  const last = past.at(-1);
  const next = future.at(-1);
  useUndoKeys(edits);
  async function remove(): Promise<void> {
    await edits.remove(countOf(picks.ids.size, 'row'), [...picks.ids]);
    picks.clear();
  }
  return (
    <div className="edit-bar" role="group" aria-label="Editing">
      <button
        type="button"
        className="button quiet icon-only"
        aria-label={last ? `Undo: ${last.label}` : 'Undo'}
        title={last ? `Undo: ${last.label} (Ctrl+Z)` : 'Nothing to undo'}
        disabled={!last || edits.isBusy}
        onClick={() => void edits.undo()}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        className="button quiet icon-only"
        aria-label={next ? `Redo: ${next.label}` : 'Redo'}
        title={next ? `Redo: ${next.label} (Ctrl+Shift+Z)` : 'Nothing to redo'}
        disabled={!next || edits.isBusy}
        onClick={() => void edits.redo()}
      >
        <Icon name="redo" />
      </button>
      <button type="button" className="button quiet" onClick={props.onAdd}>
        <Icon name="add" />
        Add row
      </button>
      {picks.ids.size > 0 && (
        <>
          <button
            type="button"
            className="button quiet"
            disabled={edits.isBusy}
            onClick={() => void remove()}
          >
            <Icon name="trash" />
            Delete {countOf(picks.ids.size, 'row')}
          </button>
          <button type="button" className="button quiet" onClick={picks.clear}>
            Pick none
          </button>
        </>
      )}
      <span className="spacer" />
      <p role="status" className="hint edit-said">
        {edits.isBusy ? 'Saving…' : edits.said}
      </p>
      {edits.conflict && (
        <p role="alert" className="failure edit-problem">
          {edits.conflict.message}
          {edits.conflict.canForce && (
            <button type="button" className="button compact" onClick={() => void edits.force()}>
              {edits.conflict.isUndo ? 'Undo anyway' : 'Do it again anyway'}
            </button>
          )}
          <button type="button" className="button compact" onClick={edits.keep}>
            {edits.conflict.canForce ? 'Keep what is there' : 'Close'}
          </button>
        </p>
      )}
      {edits.problem !== null && (
        <p role="alert" className="failure edit-problem">
          {edits.problem}
          <button
            type="button"
            className="button quiet icon-only"
            aria-label="Dismiss"
            onClick={() => edits.setProblem(null)}
          >
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}

/** Ctrl+Z and Ctrl+Shift+Z or Ctrl+Y, except where they belong to a text that is being typed. */
function useUndoKeys(edits: Edits): void {
  const now = useRef(edits);
  useEffect(() => {
    now.current = edits;
  });
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const { target } = event;
      if (target instanceof Element && target.closest('input, textarea, select, [role=dialog]')) {
        return;
      }
      const key = event.key.toLowerCase();
      const isRedo = key === 'y' || (key === 'z' && event.shiftKey);
      if (!isRedo && key !== 'z') return;
      event.preventDefault();
      void (isRedo ? now.current.redo() : now.current.undo());
    }
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}
