import { useState, type ReactElement } from 'react';
import { copyText } from '../clipboard';

/** A new key, shown this once. */
export function Secret({ secret, onDone }: { secret: string; onDone: () => void }): ReactElement {
  const [told, setTold] = useState<'' | 'Copied.' | 'Copy it by hand.'>('');
  return (
    <div className="secret">
      <p>
        <strong>Copy it now.</strong> It is not kept and cannot be shown again.
      </p>
      <input
        className="input mono"
        readOnly
        aria-label="The new key"
        value={secret}
        onFocus={(event) => event.target.select()}
      />
      <pre tabIndex={0}>
        <code>{`curl '${location.origin}/graphql' \\\n  -H 'authorization: Bearer ${secret}' \\\n  -H 'content-type: application/json' \\\n  -d '{"query":"{ datasets { name rowCount } }"}'`}</code>
      </pre>
      <div className="actions">
        <button
          type="button"
          className="button primary"
          autoFocus
          onClick={() =>
            void copyText(secret).then((isCopied) =>
              setTold(isCopied ? 'Copied.' : 'Copy it by hand.'),
            )
          }
        >
          Copy the key
        </button>
        <button type="button" className="button" onClick={onDone}>
          Done
        </button>
        <span role="status">{told}</span>
      </div>
    </div>
  );
}
