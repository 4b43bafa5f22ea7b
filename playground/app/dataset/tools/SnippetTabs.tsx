import { Tabs } from 'radix-ui';
import type { ReactElement } from 'react';
import { useSession } from '../../session/session';
import { Busy } from '../../shell/Busy';
import { CopyButton } from '../../shell/CopyButton';
import { Problem } from '../../shell/Problem';
import { KEY_HINT, KEY_HINTS, useSnippets, type Snippet } from './snippets';
import './tools.css';

/** Code to paste, one tab per tool. */
export function SnippetTabs(props: {
  /** Where the server has them. */
  path: string;
  /** Names them, and what they are made of. */
  queryKey: readonly unknown[];
  /** What the code reads, in words. */
  what: string;
}): ReactElement {
  const { data: snippets, error, refetch } = useSnippets(props.path, props.queryKey);
  if (snippets === undefined) {
    return error ? (
      <Problem error={error} onRetry={() => void refetch()} />
    ) : (
      <Busy label="Loading" />
    );
  }
  return (
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
          <Code snippet={snippet} what={props.what} />
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}

function Code({ snippet, what }: { snippet: Snippet; what: string }): ReactElement {
  const { kind, label, code } = snippet;
  const hasKey = useSession((session) => session.key !== null);
  return (
    <>
      <div className="actions">
        <CopyButton text={code} />
        {hasKey && <span className="hint">{KEY_HINTS[kind] ?? KEY_HINT}</span>}
      </div>
      <pre tabIndex={0} role="region" aria-label={`${what} in ${label}`}>
        {code}
      </pre>
    </>
  );
}
