import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement, type SubmitEvent } from 'react';
import type { Column, ColumnType, Dataset } from '../api/catalog';
import { fieldNames } from '../api/ready-query';
import { openQuery } from '../editor/requests';
import { countOf, formatCount } from '../format';
import { Grid, type GridColumn } from '../grid/Grid';
import { Icon } from '../shell/Icon';
import { ColumnMenu } from './ColumnMenu';
import { documentOf } from './document';
import { FilterBar, isNumberType } from './FilterBar';
import { whereOf } from './filters';
import { useRowCount, useRows, useStable } from './rows';
import { nextSort, type DatasetSearch, type SearchChange } from './search';

/** Browsers draw no box taller than some 17 million pixels; longer tables come in parts. */
const MAX_GRID_ROWS = 500_000;
/** A document made from the view asks for so many rows. */
const DOCUMENT_LIMIT = 100;

/** The rows in a grid, filtered and sorted by the API, and the same as a query. */
export function RowsTab(props: {
  dataset: Dataset;
  search: DatasetSearch;
  onChange: (change: SearchChange) => void;
}): ReactElement {
  const { dataset, search, onChange } = props;
  const navigate = useNavigate();
  const hidden = useStable(search.hidden ?? []);
  const filters = search.filters ?? [];
  const all = useMemo(() => withId(dataset.columns), [dataset.columns]);
  const shown = useMemo(() => all.filter(({ name }) => !hidden.includes(name)), [all, hidden]);
  const columns = useMemo(() => shown.map(gridColumn), [shown]);
  const typeOf = (name: string) => all.find((column) => column.name === name)?.type;
  const where = useStable(whereOf(filters, typeOf));
  const sort = useStable(
    search.sort && typeOf(search.sort.column) !== undefined ? search.sort : undefined,
  );
  const fields = useMemo(() => fieldNames(shown), [shown]);

  const [part, setPart] = useState(0);
  const nRows = useRowCount(dataset, where);
  const nParts = Math.max(1, Math.ceil((nRows ?? 0) / MAX_GRID_ROWS));
  const offset = Math.min(part, nParts - 1) * MAX_GRID_ROWS;
  const rows = useRows(dataset, { fields, where, sort }, offset);
  const [jump, setJump] = useState<{ index: number } | null>(null);
  // Another filter or order starts at the top.
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a change of these is the reason
  const top = useMemo(() => ({ index: 0 }), [where, sort]);
  const [lastTop, setLastTop] = useState(top);
  if (top !== lastTop) {
    setLastTop(top);
    setPart(0);
    setJump(top);
  }

  function goTo(row: number): void {
    const index = Math.min(Math.max(row, 1), nRows ?? 1) - 1;
    setPart(Math.floor(index / MAX_GRID_ROWS));
    setJump({ index: index % MAX_GRID_ROWS });
  }
  function openInGraphiQL(): void {
    openQuery(documentOf(dataset, { fields, where, sort, limit: DOCUMENT_LIMIT }));
    void navigate({ to: '/graphiql' });
  }

  return (
    <>
      <div className="toolbar">
        <FilterBar
          columns={all}
          filters={filters}
          onChange={(changed) => onChange({ filters: changed })}
        />
        <span className="spacer" />
        <ColumnMenu
          columns={all}
          hidden={hidden}
          onChange={(names) => onChange({ hidden: names })}
        />
        <button type="button" className="button" onClick={openInGraphiQL}>
          <Icon name="play" />
          Query
        </button>
      </div>
      {rows.error && (
        <p role="alert" className="failure">
          {rows.error.message}{' '}
          <button type="button" className="button" onClick={rows.retry}>
            Try again
          </button>
        </p>
      )}
      <div className="grid-frame">
        {nRows === 0 ? (
          <p className="nothing">
            {where === null ? 'This dataset has no rows.' : 'No row matches the filters.'}
          </p>
        ) : (
          <Grid
            label={`Rows of ${dataset.name}`}
            columns={columns}
            nRows={Math.min(MAX_GRID_ROWS, Math.max(0, (nRows ?? 0) - offset))}
            offset={offset}
            rowAt={rows.rowAt}
            onRange={rows.onRange}
            target={jump}
            sort={sort ?? null}
            onSort={(column) => onChange({ sort: nextSort(sort, column) })}
          />
        )}
      </div>
      <div className="grid-footer">
        <p className="hint" role="status">
          {nRows === null ? 'Counting…' : countOf(nRows, 'row')}
          {where !== null && ` of ${formatCount(dataset.rowCount)}`}
          {nParts > 1 &&
            nRows !== null &&
            `, shown: ${formatCount(offset + 1)} to ${formatCount(Math.min(offset + MAX_GRID_ROWS, nRows))}`}
        </p>
        <span className="spacer" />
        {nParts > 1 && (
          <div className="segments" role="group" aria-label="Part of the rows">
            <button
              type="button"
              className="button"
              disabled={offset === 0}
              onClick={() => goTo(offset - MAX_GRID_ROWS + 1)}
            >
              Previous part
            </button>
            <button
              type="button"
              className="button"
              disabled={offset + MAX_GRID_ROWS >= (nRows ?? 0)}
              onClick={() => goTo(offset + MAX_GRID_ROWS + 1)}
            >
              Next part
            </button>
          </div>
        )}
        {nRows !== null && nRows > 0 && <GoToRow onGo={goTo} nRows={nRows} />}
      </div>
    </>
  );
}

function GoToRow(props: { nRows: number; onGo: (row: number) => void }): ReactElement {
  const [text, setText] = useState('');
  function go(event: SubmitEvent): void {
    event.preventDefault();
    const row = Number.parseInt(text, 10);
    if (Number.isFinite(row)) props.onGo(row);
  }
  return (
    <form className="go-to-row" onSubmit={go}>
      <label htmlFor="go-to-row">Row</label>
      <input
        id="go-to-row"
        className="input"
        type="number"
        min={1}
        max={props.nRows}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="button">
        Go
      </button>
    </form>
  );
}

/** How wide a typical value of a type is. */
const VALUE_PX: Record<ColumnType, number> = {
  BOOLEAN: 90,
  INT: 110,
  BIGINT: 165,
  DECIMAL: 130,
  FLOAT: 120,
  DATE: 110,
  LOCAL_TIME: 110,
  LOCAL_DATE_TIME: 185,
  DATE_TIME: 215,
  UUID: 310,
  JSON: 220,
  STRING: 190,
};

function gridColumn(column: Column): GridColumn {
  return {
    id: column.name,
    label: column.label,
    isNumber: isNumberType(column),
    valuePx: VALUE_PX[column.type],
    hint: column.graphqlType.replace('!', ''),
  };
}

/** Every type has an `id`; where it is a number by Sluice, no column of the file stands for it. */
function withId(columns: readonly Column[]): Column[] {
  if (columns.some(({ name }) => name === 'id')) return [...columns];
  return [{ name: 'id', label: 'id', type: 'INT', graphqlType: 'Int!' }, ...columns];
}
