import type { ErrorComponentProps } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Problem } from './Problem';

/** In the place of a screen that could not be shown; the rest of the page goes on. */
export function Broken({ error, reset }: ErrorComponentProps): ReactElement {
  return (
    <div className="page">
      <h1>This screen could not be shown</h1>
      <Problem error={error} />
      <button type="button" className="button" onClick={reset}>
        Try again
      </button>
    </div>
  );
}
