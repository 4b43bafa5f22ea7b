import { useState, type ReactElement } from 'react';
import { copyText } from '../../clipboard';

/** A secret that is shown this once. */
export function Secret(props: { secret: string; onDone: () => void }): ReactElement {
  const [copied, setCopied] = useState<boolean | null>(null);
  return (
    <div className="dialog-form" role="group" aria-label="The secret of the webhook">
      <p>
        <strong>This is the secret that deliveries are signed with.</strong> It is shown this once;
        copy it now.
      </p>
      <div className="webhook-secret">
        <code>{props.secret}</code>
        <button
          type="button"
          className="button"
          onClick={() => void copyText(props.secret).then(setCopied)}
        >
          Copy
        </button>
      </div>
      <p className="hint" role="status">
        {copied === true && 'Copied.'}
        {copied === false && 'The browser refuses to copy; select the text and copy it yourself.'}
      </p>
      <div className="settings-actions">
        <button type="button" className="button primary" onClick={props.onDone}>
          I have it
        </button>
      </div>
    </div>
  );
}
