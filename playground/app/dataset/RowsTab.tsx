import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type ReactElement } from 'react';
import type { Dataset } from '../api/catalog';
import { useMe } from '../api/me';
import { fieldNames } from '../api/ready-query';
import { openQuery } from '../editor/requests';
import { countOf, formatCount } from '../format';
import { Icon } from '../shell/Icon';
import { ColumnMenu } from './ColumnMenu';
import { FilterBar } from './FilterBar';
import { whereOf } from './filters';
import { CodeDialog } from './rows/CodeDialog';
import { gridColumn, inOrder, withId } from './rows/columns';
import { documentOf, type RowsView } from './rows/document';
import { EditBar } from './rows/EditBar';
import { useEdits } from './rows/edits';
import { ExportMenu } from './rows/ExportMenu';
import { FacetPanel } from './rows/FacetPanel';
import { GoToRow } from './rows/GoToRow';
import { isPlain, readLayout, useLayout } from './rows/layouts';
import { usePicks } from './rows/picks';
import './rows/rows.css';
import { RowsGrid } from './rows/RowsGrid';
import { SearchBox } from './rows/SearchBox';
import { rowSource } from './rows/source';
import { useRows, useStable } from './rows/use-rows';
import { viewInWords } from './rows/words';
import type { DatasetSearch, SearchChange } from './search';

/** A document made from the view asks for so many rows. */
const DOCUMENT_LIMIT = 100;

/** The rows in a grid: found, filtered, sorted and counted by the API; read, edited and exported. */
export function RowsTab(props: {
  dataset: Dataset;
  search: DatasetSearch;
  onChange: (change: SearchChange) => void;
}): ReactElement {
  const { dataset, search, onChange } = props;
  const navigate = useNavigate();
  const { canWrite } = useMe();
  const [layout, setLayout] = useLayout(dataset.name);
  const hidden = useStable(search.hidden ?? [...layout.hidden]);
  const filters = search.filters ?? [];
  const all = useMemo(() => withId(dataset.columns), [dataset.columns]);
  const shown = useMemo(() => all.filter(({ name }) => !hidden.includes(name)), [all, hidden]);
  const columns = useMemo(() => shown.map(gridColumn), [shown]);
  const typeOf = (name: string) => all.find((column) => column.name === name)?.type;
  const hasSearch = all.some(({ type }) => type === 'STRING');
  const view: RowsView = useStable({
    fields: fieldNames(shown),
    where: whereOf(filters, typeOf),
    sorts: (search.sort ?? []).filter(({ column }) => typeOf(column) !== undefined),
    search: hasSearch ? (search.q ?? '') : '',
    asOf: search.asOf,
  });

  const { store, state } = useRows(dataset, view);
  const { nRows } = state;
  const allFields = useMemo(() => fieldNames(all), [all]);
  const insertable = useMemo(
    () => new Set(all.filter(({ generated }) => !generated).map(({ name }) => name)),
    [all],
  );
  const edits = useEdits(dataset, store, allFields, insertable);
  const picks = usePicks(store, edits.setProblem);
  const isEditable = canWrite && search.asOf === undefined;
  const [jump, setJump] = useState<{ index: number } | null>(null);
  const [wanted, setWanted] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);
  const [areFacetsOpen, setFacetsOpen] = useState((search.facets ?? []).length > 0);
  // Another filter or order starts at the top.
  const which = JSON.stringify([view.where, view.sorts, view.search, view.asOf]);
  const [lastWhich, setLastWhich] = useState(which);
  if (which !== lastWhich) {
    setLastWhich(which);
    setJump({ index: 0 });
  }

  function hide(names: string[]): void {
    setLayout({ ...layout, hidden: names });
    onChange({ hidden: names });
  }
  const query = documentOf(dataset, { ...view, limit: DOCUMENT_LIMIT });
  const isNarrowed = view.where !== null || view.search !== '';

  return (
    <>
      <div className="toolbar">
        {hasSearch && (
          <SearchBox text={search.q ?? ''} onSearch={(q) => onChange({ q: q || undefined })} />
        )}
        <FilterBar
          columns={all}
          filters={filters}
          onChange={(changed) => onChange({ filters: changed })}
          wanted={wanted}
          onWanted={setWanted}
        />
        <span className="spacer" />
        <button
          type="button"
          className="button"
          aria-pressed={areFacetsOpen}
          onClick={() => setFacetsOpen(!areFacetsOpen)}
        >
          <Icon name="facets" />
          <span>Facets</span>
        </button>
        <ColumnMenu
          columns={inOrder(all, layout.order)}
          hidden={hidden}
          onHidden={hide}
          onOrder={(order) => setLayout({ ...layout, order })}
          onReset={
            isPlain(layout) && hidden.length === 0
              ? null
              : () => {
                  setLayout(readLayout(null));
                  onChange({ hidden: undefined });
                }
          }
        />
        <CodeDialog
          words={viewInWords(dataset.name, all, { filters, ...view })}
          document={query}
          onOpenInGraphiQL={() => {
            openQuery(query);
            void navigate({ to: '/graphiql' });
          }}
        />
        <ExportMenu
          name={dataset.name}
          source={() => rowSource(dataset, view)}
          columns={inOrder(shown, layout.order).map(({ name }) => name)}
          nRows={nRows}
        />
      </div>
      {isEditable && (
        <EditBar dataset={dataset.name} edits={edits} picks={picks} onAdd={() => setAdding(true)} />
      )}
      {state.error && (
        <p role="alert" className="failure rows-failure">
          {state.error.message}{' '}
          <button type="button" className="button" onClick={store.retry}>
            Try again
          </button>
        </p>
      )}
      <div className="rows-frame">
        {areFacetsOpen && (
          <FacetPanel
            dataset={dataset}
            columns={all}
            view={view}
            filters={filters}
            facets={search.facets ?? []}
            onFacets={(facets) => onChange({ facets })}
            onFilters={(changed) => onChange({ filters: changed })}
            onClose={() => setFacetsOpen(false)}
          />
        )}
        <div className="grid-frame">
          <RowsGrid
            dataset={dataset}
            all={all}
            columns={columns}
            view={view}
            store={store}
            nRows={nRows ?? state.nSeen}
            revision={state.revision}
            edits={edits}
            picks={picks}
            isEditable={isEditable}
            isAdding={isAdding}
            onAdding={setAdding}
            target={jump}
            onTarget={(index) => setJump({ index })}
            layout={layout}
            onLayout={(changed) => setLayout({ ...layout, ...changed })}
            onSorts={(sort) => onChange({ sort })}
            onFilter={setWanted}
            onFacet={(column) => {
              setFacetsOpen(true);
              const facets = search.facets ?? [];
              if (!facets.includes(column)) onChange({ facets: [...facets, column] });
            }}
            onHide={(column) => hide([...hidden, column])}
          />
          {nRows === 0 && (
            <p className="nothing">
              {isNarrowed ? 'No row matches the filters.' : 'This dataset has no rows.'}
            </p>
          )}
        </div>
      </div>
      <div className="grid-footer">
        <p className="hint" role="status">
          {nRows === null ? 'Counting…' : countOf(nRows, 'row')}
          {isNarrowed && ` of ${formatCount(dataset.rowCount)}`}
          {state.isReading && <span className="reading"> · reading…</span>}
        </p>
        <span className="spacer" />
        {nRows !== null && nRows > 0 && (
          <GoToRow nRows={nRows} onGo={(row) => setJump({ index: row - 1 })} />
        )}
      </div>
    </>
  );
}
