import { useState, type ReactElement } from 'react';
import { copyText } from '../clipboard';
import { Icon } from './Icon';

/** Puts a text on the clipboard, and says that it did. */
export function CopyButton(props: {
  text: string;
  className?: string;
  /** What is copied, for who does not see what stands beside it. */
  label?: string;
}): ReactElement {
  const { text, className = 'button primary', label } = props;
  /** The text that was copied last: another one is not. */
  const [copied, setCopied] = useState<string | null>(null);
  const isCopied = copied === text;
  return (
    <button
      type="button"
      className={className}
      {...(label !== undefined && { 'aria-label': isCopied ? `${label}: copied` : label })}
      onClick={() => void copyText(text).then((isDone) => setCopied(isDone ? text : null))}
    >
      <Icon name={isCopied ? 'check' : 'copy'} />
      {isCopied ? 'Copied' : 'Copy'}
    </button>
  );
}
