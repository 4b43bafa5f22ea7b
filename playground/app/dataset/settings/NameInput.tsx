import type { InputHTMLAttributes, ReactElement } from 'react';
import type { Change } from '../change';

/** A name of a dataset, and the button that does something with it. */
export function NameInput(
  props: {
    /** The name that the dataset has, which leads nowhere. */
    present: string;
    name: string;
    onName: (name: string) => void;
    change: Change<string>;
    action: string;
  } & Pick<
    InputHTMLAttributes<HTMLInputElement>,
    'aria-label' | 'aria-labelledby' | 'aria-describedby'
  >,
): ReactElement {
  const { present, name, onName, change, action, ...labels } = props;
  return (
    <div className="settings-actions">
      <input
        className="input mono"
        {...labels}
        autoComplete="off"
        spellCheck={false}
        required
        value={name}
        onChange={(event) => {
          onName(event.target.value);
          change.reset();
        }}
      />
      <button
        type="submit"
        className="button"
        disabled={change.isRunning || name.trim() === '' || name.trim() === present}
      >
        {action}
      </button>
    </div>
  );
}
