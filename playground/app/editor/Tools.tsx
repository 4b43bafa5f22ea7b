import { GraphiQL } from 'graphiql';
import { ToolbarButton, useGraphiQL } from '@graphiql/react';
import { useEffect, useState, type ReactElement } from 'react';
import { useMe } from '../api/me';
import { copyText } from '../clipboard';
import { SaveQuery } from '../queries/SaveQuery';
import { Icon, type IconName } from '../shell/Icon';
import { curlFor, linkTo } from './share';

/** GraphiQL's tools, and ours: the query as a link, as a command, and saved. */
export function toolbar(): ReactElement {
  return (
    <GraphiQL.Toolbar>
      {({ prettify, copy, merge }) => (
        <>
          {prettify}
          {merge}
          {copy}
          <ShareTools />
          <SaveTool />
        </>
      )}
    </GraphiQL.Toolbar>
  );
}

function ShareTools(): ReactElement {
  const { queryEditor, variableEditor, operationName } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    operationName: state.operationName,
  }));
  const query = () => queryEditor?.getValue() ?? '';
  return (
    <>
      <CopyTool
        icon="link"
        label="Copy a link to this query"
        text={() =>
          linkTo(location.origin, {
            document: query(),
            variables: variableEditor?.getValue() ?? '',
          })
        }
      />
      <CopyTool
        icon="terminal"
        label="Copy as curl"
        text={() => {
          const variables = parsed(variableEditor?.getValue());
          return curlFor(location.origin, {
            query: query(),
            ...(variables !== undefined && { variables }),
            ...(operationName !== undefined && { operationName }),
          });
        }}
      />
    </>
  );
}

/** For admins: the query gets an address of its own. */
function SaveTool(): ReactElement | null {
  const { isAdmin } = useMe();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  /** What is saved, as it was when that was begun. */
  const [document, setDocument] = useState<string | null>(null);
  if (!isAdmin) return null;
  return (
    <>
      <ToolbarButton label="Save query" onClick={() => setDocument(queryEditor?.getValue() ?? '')}>
        <Icon name="bookmark" />
      </ToolbarButton>
      {document !== null && <SaveQuery document={document} onClose={() => setDocument(null)} />}
    </>
  );
}

const SAID_MS = 1_500;

function CopyTool(props: { icon: IconName; label: string; text: () => string }): ReactElement {
  const [said, setSaid] = useState<'Copied' | 'The browser refused to copy' | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  async function copy(): Promise<void> {
    setSaid((await copyText(props.text())) ? 'Copied' : 'The browser refused to copy');
  }
  return (
    <>
      <ToolbarButton label={said ?? props.label} onClick={() => void copy()}>
        <Icon name={said === 'Copied' ? 'check' : props.icon} />
      </ToolbarButton>
      <span className="unseen" role="status">
        {said}
      </span>
    </>
  );
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined || text.trim() === '' ? undefined : JSON.parse(text);
  } catch {
    // Variables with comments are left out rather than sent wrong.
    return undefined;
  }
}
