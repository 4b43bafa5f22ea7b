import { DOC_EXPLORER_PLUGIN } from '@graphiql/plugin-doc-explorer';
import '@graphiql/plugin-doc-explorer/style.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import '@graphiql/plugin-history/style.css';
import '@graphiql/react/style.css';
import { GraphiQL } from 'graphiql';
import 'graphiql/graphiql.css';
import { useState, type ReactElement } from 'react';
import { useDatasets } from '../api/catalog';
import { readyQuery } from '../api/ready-query';
import { useShownTheme } from '../shell/theme';
import { Bridge } from './Bridge';
import { BUILDER_PLUGIN } from './builder/plugin';
import './editor.css';
import { ExamplesMenu } from './ExamplesMenu';
import { fetcher } from './fetcher';
import './markdown';
import { ResponseBar } from './ResponseBar';
import { storageWithoutHeaders } from './storage';
import { EDITOR_THEME } from './themes';
import { toolbar } from './Tools';
import './workers';

const PLUGINS = [HISTORY_PLUGIN, BUILDER_PLUGIN];
const STORAGE = storageWithoutHeaders(localStorage);

/** How many ready queries open as tabs at the first visit; the others are a click away. */
const MAX_FIRST_TABS = 5;

const DEFAULT_HEADERS = `{
  // The key you signed in with is sent by itself.
  // An "Authorization" here takes its place. Headers are not stored.
}
`;

const WELCOME = `# Write a query, then press Ctrl-Enter to run it.
# Ctrl-Space suggests what can stand at the cursor.

{
  datasets {
    name
    rowCount
  }
}
`;

/** GraphiQL, with a ready query for each dataset. */
export default function Editor(): ReactElement {
  const { data: datasets, isPending } = useDatasets();
  const theme = useShownTheme();
  // The first tabs are the datasets', so they are awaited, once: from then on nothing may take the
  // editor down, or the work in it is lost. Without datasets the welcome stands there.
  const [queries, setQueries] = useState<string[] | null>(null);
  if (queries === null) {
    if (!isPending) setQueries((datasets ?? []).slice(0, MAX_FIRST_TABS).map(readyQuery));
    return <div className="editor-wait" />;
  }
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      storage={STORAGE}
      forcedTheme={theme}
      editorTheme={EDITOR_THEME}
      defaultQuery={WELCOME}
      defaultHeaders={DEFAULT_HEADERS}
      {...(queries.length > 0 && {
        defaultTabs: queries.map((query) => ({ query, headers: DEFAULT_HEADERS })),
      })}
      isHeadersEditorEnabled
      defaultEditorToolsVisibility={false}
      shouldPersistHeaders={false}
      schemaDescription
      inputValueDeprecation
    >
      <GraphiQL.Logo>
        <ExamplesMenu />
      </GraphiQL.Logo>
      {toolbar()}
      <GraphiQL.Footer>
        <ResponseBar />
      </GraphiQL.Footer>
      <Bridge />
    </GraphiQL>
  );
}
