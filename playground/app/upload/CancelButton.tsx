import { useState, type ReactElement } from 'react';
import { messageOf } from '../api/error';

/** Asks the server to end something, and says so if it does not. */
export function CancelButton(props: { cancel: () => Promise<void>; label: string }): ReactElement {
  const [state, setState] = useState<'idle' | 'asked' | { problem: string }>('idle');
  return (
    <>
      <button
        type="button"
        className="button"
        aria-label={state === 'asked' ? undefined : props.label}
        disabled={state === 'asked'}
        onClick={() => {
          setState('asked');
          props.cancel().catch((error: unknown) => setState({ problem: messageOf(error) }));
        }}
      >
        {state === 'asked' ? 'Cancelling…' : 'Cancel'}
      </button>
      {typeof state === 'object' && <p className="failure">{state.problem}</p>}
    </>
  );
}
