import { useGraphiQL } from '@graphiql/react';
import { useMemo, useState, type ReactElement } from 'react';
import { csvOf } from '../csv';
import { download } from '../download';
import { countOf, formatBytes, formatMilliseconds } from '../format';
import { Grid, type GridColumn } from '../grid/Grid';
import { isNumeric } from '../grid/cell';
import { Icon } from '../shell/Icon';
import { tablesIn, type AnswerTable } from './tabular';
import { useTimings } from './timings';

/** Below the answer: how it is shown, how long it took, and the answer as a file. */
export function ResponseBar(): ReactElement | null {
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response ?? '');
  const title = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.title ?? '');
  const ms = useTimings(({ activeTab, msByTab }) => msByTab[activeTab]);
  const tables = useMemo(() => tablesInResponse(response), [response]);
  const [wantsTable, setWantsTable] = useState(false);
  const [wantedName, setWantedName] = useState('');
  if (response === '') return null;

  const table = tables.find(({ name }) => name === wantedName) ?? tables[0];
  const isTable = wantsTable && table !== undefined;
  const fileName = /^\w+$/.test(title) ? title : 'answer';
  return (
    <>
      {isTable && <AnswerGrid key={table.name} table={table} />}
      <div className="response-bar">
        <div className="segments" role="group" aria-label="Show the answer as">
          <button
            type="button"
            className="button"
            aria-pressed={!isTable}
            onClick={() => setWantsTable(false)}
          >
            JSON
          </button>
          <button
            type="button"
            className="button"
            aria-pressed={isTable}
            disabled={table === undefined}
            onClick={() => setWantsTable(true)}
          >
            Table
          </button>
        </div>
        {isTable && tables.length > 1 && (
          <select
            className="input"
            aria-label="Table"
            value={table.name}
            onChange={(event) => setWantedName(event.target.value)}
          >
            {tables.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
        <span className="hint">
          {isTable && `${countOf(table.rows.length, 'row')}, `}
          {ms !== undefined && `${formatMilliseconds(ms)}, `}
          {formatBytes(response.length)}
        </span>
        <span className="spacer" />
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
            title="A text that begins like a formula gets an apostrophe, so that no spreadsheet runs it"
            onClick={() =>
              download(`${fileName}.csv`, 'text/csv', csvOf(table.columns, table.rows))
            }
          >
            <Icon name="download" />
            CSV
          </button>
        )}
      </div>
    </>
  );
}

function AnswerGrid({ table }: { table: AnswerTable }): ReactElement {
  const columns = useMemo(
    () =>
      table.columns.map((name): GridColumn => {
        const isNumber = isNumeric(table.rows.map((row) => row[name]));
        return { id: name, label: name, isNumber, valuePx: isNumber ? 110 : 170 };
      }),
    [table],
  );
  return (
    <div className="answer-grid">
      <Grid
        label={`Rows of ${table.name}`}
        columns={columns}
        nRows={table.rows.length}
        rowAt={(index) => table.rows[index]}
      />
    </div>
  );
}

function tablesInResponse(response: string): AnswerTable[] {
  try {
    return tablesIn((JSON.parse(response) as { data?: unknown }).data);
  } catch {
    return [];
  }
}
