import { useCallback, useRef, useState, type ReactElement } from 'react';
import type { Column, Dataset } from '../../api/catalog';
import { MenuItem, MenuLine } from '../../grid/ColumnMenuItems';
import { Grid } from '../../grid/Grid';
import type { GridLayout } from '../../grid/layout';
import { countCells } from '../../grid/range';
import type { GridColumn, GridEditing, Row, Sort } from '../../grid/types';
import { nextSorts } from '../search';
import { CellEditor } from './CellEditor';
import type { RowsView } from './document';
import type { Edits } from './edits';
import { hasFacet } from './facets';
import { OpenRow } from './OpenRow';
import { MAX_PASTED_ROWS, pastedRange, pasteInto } from './paste';
import type { Picks } from './picks';
import type { RowStore } from './row-store';
import { RowPanel } from './RowPanel';
import { directionInWords } from './words';

interface RowsGridProps {
  dataset: Dataset;
  /** All columns of the dataset; `columns` are those that are shown. */
  all: readonly Column[];
  columns: readonly GridColumn[];
  view: RowsView;
  store: RowStore;
  nRows: number;
  revision: number;
  edits: Edits;
  picks: Picks;
  isEditable: boolean;
  isAdding: boolean;
  onAdding: (isAdding: boolean) => void;
  target: { index: number } | null;
  onTarget: (index: number) => void;
  layout: GridLayout;
  onLayout: (layout: GridLayout) => void;
  onSorts: (sorts: Sort[]) => void;
  onFilter: (column: string) => void;
  onFacet: (column: string) => void;
  onHide: (column: string) => void;
}

/** The grid over a dataset's rows, its cells edited in their places, its rows at the side. */
export function RowsGrid(props: RowsGridProps): ReactElement {
  const { all, view, store, edits, picks, isEditable } = props;
  const { sorts } = view;
  const frame = useRef<HTMLDivElement>(null);
  function focusGrid(): void {
    frame.current?.querySelector<HTMLElement>('[role=grid]')?.focus({ preventScroll: true });
  }
  const [openIndex, setOpenIndex] = useState<number | null>(null);
  const columnOf = (name: string) => all.find((column) => column.name === name);
  const canEdit = (column: Column) => isEditable && !column.generated;
  const { markOf } = edits;
  const mark = useCallback(
    (index: number, column: string) => {
      const row = store.rowAt(index);
      return row && markOf(row['id'], column);
    },
    [store, markOf],
  );

  /** Loads rows that are not in view and changes them by what `edit` says. */
  async function changeRows(
    [first, last]: [number, number],
    edit: (rows: Row[]) => unknown,
  ): Promise<void> {
    try {
      edit(await store.load(first, Math.min(last, props.nRows - 1)));
    } catch (cause) {
      edits.setProblem(cause instanceof Error ? cause.message : String(cause));
    }
  }

  const editing: GridEditing = {
    canEdit: ({ id }) => {
      const column = columnOf(id);
      return column !== undefined && canEdit(column);
    },
    editor: (cell, { id: name }, onDone) => {
      const row = store.rowAt(cell.row);
      const column = columnOf(name);
      if (!row || !column) return null;
      const id = row['id'];
      const refusal = edits.refusalOf(id, name);
      return (
        <CellEditor
          column={column}
          value={row[name]}
          typed={cell.text ?? refusal?.typed ?? null}
          problem={refusal?.message}
          onCommit={(value, typed, step) => {
            onDone(step);
            const label = `${column.label} of row ${cell.row + 1}`;
            void edits.update(label, [{ id, before: row, set: { [name]: value }, typed }]);
          }}
          onRefused={(message, typed) => {
            onDone('leave');
            edits.refuse(id, name, { message, typed });
          }}
          onCancel={() => {
            edits.refuse(id, name, null);
            onDone();
          }}
        />
      );
    },
    onClear: (cells, columns) => {
      const names = columns
        .map(({ id }) => id)
        .filter((name) => {
          const column = columnOf(name);
          return column !== undefined && canEdit(column);
        });
      if (names.length === 0 || countCells(cells) === 0) return;
      if (cells.lastRow - cells.firstRow >= MAX_PASTED_ROWS) {
        edits.setProblem(`At most ${MAX_PASTED_ROWS} rows are changed at once.`);
        return;
      }
      const set = Object.fromEntries(names.map((name) => [name, null]));
      const label =
        countCells(cells) === 1
          ? `${columnOf(names[0] ?? '')?.label ?? ''} of row ${cells.firstRow + 1}`
          : `${countCells(cells)} cells`;
      void changeRows([cells.firstRow, cells.lastRow], (rows) =>
        edits.update(
          label,
          rows.map((row) => ({ id: row['id'], before: row, set })),
        ),
      );
    },
    onPaste: (cells, columns, text) => {
      const into = columns.flatMap(({ id }) => columnOf(id) ?? []);
      void changeRows(pastedRange(cells, text), (rows) => {
        const pasted = pasteInto(rows, into, cells, text);
        if ('problem' in pasted) edits.setProblem(pasted.problem);
        else void edits.update(pasted.label, pasted.edits);
      });
    },
  };

  function menu({ id }: GridColumn): ReactElement | null {
    const column = columnOf(id);
    if (!column) return null;
    const sort = sorts.find((one) => one.column === id);
    const others = sorts.filter((one) => one.column !== id);
    return (
      <>
        {(['ASC', 'DESC'] as const).map((direction) => (
          <MenuItem key={direction} onSelect={() => props.onSorts([{ column: id, direction }])}>
            Sort {directionInWords(direction, column)}
          </MenuItem>
        ))}
        {others.length > 0 && (
          <MenuItem onSelect={() => props.onSorts([...others, { column: id, direction: 'ASC' }])}>
            Then sort by it
          </MenuItem>
        )}
        {sort && <MenuItem onSelect={() => props.onSorts(others)}>Do not sort by it</MenuItem>}
        <MenuLine />
        <MenuItem onSelect={() => props.onFilter(id)}>Filter…</MenuItem>
        {hasFacet(column.type) && (
          <MenuItem onSelect={() => props.onFacet(id)}>Count its values</MenuItem>
        )}
        <MenuItem isDisabled={props.columns.length === 1} onSelect={() => props.onHide(id)}>
          Hide
        </MenuItem>
        <MenuLine />
      </>
    );
  }

  return (
    <div className="rows-grid" ref={frame}>
      <Grid
        label={`Rows of ${props.dataset.name}`}
        columns={props.columns}
        nRows={props.nRows}
        rowAt={store.rowAt}
        onRange={store.onRange}
        loadRows={(first, last) => store.load(first, last)}
        target={props.target}
        sorts={sorts}
        onSort={(column, isAdded) => props.onSorts(nextSorts(sorts, column, isAdded))}
        layout={props.layout}
        onLayout={props.onLayout}
        menu={menu}
        gutter={{ ...picks.gutter, onOpen: setOpenIndex, canPick: isEditable }}
        {...(isEditable && { editing })}
        mark={mark}
      />
      {openIndex !== null && (
        <OpenRow
          dataset={props.dataset}
          columns={all}
          store={store}
          index={openIndex}
          nRows={props.nRows}
          edits={edits}
          canEdit={canEdit}
          isEditable={isEditable}
          onClosed={focusGrid}
          onIndex={(index) => {
            setOpenIndex(index);
            if (index !== null) props.onTarget(index);
          }}
        />
      )}
      {props.isAdding && (
        <RowPanel
          title="New row"
          columns={all}
          row={null}
          canEdit={canEdit}
          onSave={async (row) => {
            const added = await edits.insert('1 row', [row]);
            if ('problem' in added) return added.problem;
            const isAtEnd = sorts.length === 0 && view.where === null && view.search === '';
            if (isAtEnd)
              props.onTarget(
                store.getState().nRows === null ? 0 : (store.getState().nRows ?? 1) - 1,
              );
            return null;
          }}
          onDelete={null}
          onStep={null}
          onClose={() => props.onAdding(false)}
          onClosed={focusGrid}
        />
      )}
    </div>
  );
}
