import { Link } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import { useState, type ReactElement } from 'react';
import { copyText } from '../../clipboard';
import { useSession } from '../../session/session';
import { Busy } from '../../shell/Busy';
import { Icon } from '../../shell/Icon';
import { Problem } from '../../shell/Problem';
import type { TabProps } from '../tabs';
import { KEY_HINT, KEY_HINTS, useSnippets, type Snippet } from './snippets';
import './tools.css';

/** The rows in other people's tools: code to paste, one tab per tool. */
export default function ToolsTab({ dataset }: TabProps): ReactElement {
  const { data: snippets, error, refetch } = useSnippets(dataset);
  if (snippets === undefined) {
    return error ? (
      <div className="tab-page">
        <Problem error={error} onRetry={() => void refetch()} />
      </div>
    ) : (
      <Busy label="Loading" />
    );
  }
  return (
    <div className="tab-page">
      <div className="tab-bar">
        <h2>Use these rows elsewhere</h2>
        <Link to="/reference" search={{ q: `/api/v1/${dataset.name}` }}>
          All routes of {dataset.name}
        </Link>
      </div>
      <Tabs.Root defaultValue={snippets[0]?.kind ?? ''}>
        <Tabs.List className="tool-list" aria-label="Tool">
          {snippets.map(({ kind, label }) => (
            <Tabs.Trigger key={kind} value={kind} className="button">
              {label}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {snippets.map((snippet) => (
          <Tabs.Content key={snippet.kind} value={snippet.kind} className="tool" tabIndex={-1}>
            <Code snippet={snippet} />
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </div>
  );
}

function Code({ snippet: { kind, label, code } }: { snippet: Snippet }): ReactElement {
  const hasKey = useSession((session) => session.key !== null);
  const [isCopied, setCopied] = useState(false);
  return (
    <>
      <div className="tab-bar">
        <button
          type="button"
          className="button primary"
          onClick={() => void copyText(code).then(setCopied)}
        >
          <Icon name={isCopied ? 'check' : 'copy'} />
          {isCopied ? 'Copied' : 'Copy'}
        </button>
        {hasKey && <span className="hint">{KEY_HINTS[kind] ?? KEY_HINT}</span>}
      </div>
      <pre tabIndex={0} role="region" aria-label={`The rows in ${label}`}>
        {code}
      </pre>
    </>
  );
}
