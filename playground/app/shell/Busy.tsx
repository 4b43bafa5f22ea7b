import type { ReactElement } from 'react';

export function Busy({ label }: { label: string }): ReactElement {
  return (
    <div className="busy" role="status">
      <span className="spinner" aria-hidden="true" />
      {label}…
    </div>
  );
}
