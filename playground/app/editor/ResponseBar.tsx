import { useGraphiQL } from '@graphiql/react';
import { lazy, Suspense, useMemo, useState, type ReactElement } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { csvOf } from '../csv';
import { download } from '../download';
import { countOf } from '../format';
import { Busy } from '../shell/Busy';
import { Icon } from '../shell/Icon';
import { AnswerErrors } from './AnswerErrors';
import { AnswerFactsLine } from './AnswerFactsLine';
import { AnswerGrid } from './AnswerGrid';
import { useAnswers } from './answers';
import { errorsIn } from './errors';
import { parseExactly } from '../api/exact-json';
import { LiveBar } from './LiveBar';
import { tablesIn, type AnswerTable } from './tabular';

const Chart = lazy(() => import('./chart/Chart'));

const VIEWS = ['JSON', 'Table', 'Chart'] as const;
type View = (typeof VIEWS)[number];

/** Below the answer: how it is shown, what went wrong, what it took, and the answer as a file. */
export function ResponseBar(): ReactElement | null {
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response ?? '');
  const title = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.title ?? '');
  const { tab, facts, live } = useAnswers(
    useShallow((state) => ({
      tab: state.activeTab,
      facts: state.facts[state.activeTab],
      live: state.live[state.activeTab],
    })),
  );
  const { tables, errors } = useMemo(() => readResponse(response), [response]);
  const [wantedView, setView] = useState<View>('JSON');
  const [wantedName, setWantedName] = useState('');
  if (response === '' && !live) return null;

  const table = tables.find(({ name }) => name === wantedName) ?? tables[0];
  const view = table === undefined ? 'JSON' : wantedView;
  const fileName = /^\w+$/.test(title) ? title : 'answer';
  return (
    <>
      {table && view === 'Table' && <AnswerGrid key={table.name} table={table} />}
      {table && view === 'Chart' && (
        <div className="answer-chart">
          <Suspense fallback={<Busy label="Loading the charts" />}>
            <Chart key={`${tab} ${table.name}`} table={table} name={fileName} />
          </Suspense>
        </div>
      )}
      {errors.length > 0 && <AnswerErrors errors={errors} />}
      {live && <LiveBar tab={tab} live={live} />}
      <div className="response-bar">
        <div className="segments" role="group" aria-label="Show the answer as">
          {VIEWS.map((name) => (
            <button
              key={name}
              type="button"
              className="button"
              aria-pressed={view === name}
              disabled={name !== 'JSON' && table === undefined}
              onClick={() => setView(name)}
            >
              {name}
            </button>
          ))}
        </div>
        {view !== 'JSON' && tables.length > 1 && (
          <select
            className="input"
            aria-label="Table"
            value={table?.name}
            onChange={(event) => setWantedName(event.target.value)}
          >
            {tables.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
        {table && view !== 'JSON' && (
          <span className="hint">{countOf(table.rows.length, 'row')}</span>
        )}
        {facts && <AnswerFactsLine facts={facts} isLive={live !== undefined} />}
        <span className="spacer" />
        <Downloads fileName={fileName} response={response} table={table} />
      </div>
    </>
  );
}

function Downloads(props: {
  fileName: string;
  response: string;
  table: AnswerTable | undefined;
}): ReactElement {
  const { fileName, response, table } = props;
  return (
    <span className="response-files">
      <button
        type="button"
        className="button quiet"
        aria-label="Download as JSON"
        onClick={() => download(`${fileName}.json`, 'application/json', response)}
      >
        <Icon name="download" />
        JSON
      </button>
      {table && (
        <button
          type="button"
          className="button quiet"
          aria-label="Download as CSV"
          title={`The rows of ${table.name}. A text that begins like a formula gets an apostrophe, so that no spreadsheet runs it.`}
          onClick={() => download(`${fileName}.csv`, 'text/csv', csvOf(table.columns, table.rows))}
        >
          <Icon name="download" />
          CSV
        </button>
      )}
    </span>
  );
}

function readResponse(response: string): {
  tables: AnswerTable[];
  errors: ReturnType<typeof errorsIn>;
} {
  try {
    const answer = parseExactly(response) as { data?: unknown };
    return { tables: tablesIn(answer.data), errors: errorsIn(answer) };
  } catch {
    return { tables: [], errors: [] };
  }
}
