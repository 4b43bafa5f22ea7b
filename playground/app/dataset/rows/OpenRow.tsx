import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { ROWS_QUERY_KEY, type Column, type Dataset } from '../../api/catalog';
import { fieldNames } from '../../api/ready-query';
import type { Row } from '../../grid/types';
import type { Edits } from './edits';
import type { RowStore } from './row-store';
import { requestRows } from './request-rows';
import { RowPanel } from './RowPanel';

/** A row of the grid at the side, with the columns that the grid does not show. */
export function OpenRow(props: {
  dataset: Dataset;
  columns: readonly Column[];
  store: RowStore;
  index: number;
  nRows: number;
  edits: Edits;
  canEdit: (column: Column) => boolean;
  isEditable: boolean;
  onIndex: (index: number | null) => void;
  onClosed: () => void;
}): ReactElement | null {
  const { dataset, store, index, edits, onIndex } = props;
  const inGrid = store.rowAt(index);
  const id = inGrid?.['id'];
  const { listField, version } = dataset;
  const isWhole = inGrid !== undefined && props.columns.every(({ name }) => name in inGrid);
  const { data } = useQuery({
    queryKey: [ROWS_QUERY_KEY, dataset.name, version, 'row', id],
    enabled: inGrid !== undefined && !isWhole,
    queryFn: async ({ signal }) => {
      const fields = fieldNames([...props.columns]).join(' ');
      const text = `query PlaygroundRow($where: ${dataset.typeName}BoolExp) {
  rows: ${listField}(where: $where, limit: 1) { ${fields} }
}`;
      const { rows } = await requestRows<{ rows: Row[] }>(
        text,
        { where: { id: { _eq: id } } },
        signal,
      );
      return rows[0] ?? null;
    },
  });
  if (!inGrid) return null;
  const row = { ...data, ...inGrid };
  const label = `Row ${index + 1}`;
  const step = (to: number) =>
    store.rowAt(to) === undefined || to < 0 || to >= props.nRows ? null : () => onIndex(to);
  return (
    <RowPanel
      key={index}
      title={label}
      columns={isWhole || data ? props.columns : props.columns.filter(({ name }) => name in inGrid)}
      row={row}
      canEdit={props.canEdit}
      onSave={
        props.isEditable
          ? (set) => edits.update(`Row ${index + 1}`, [{ id, before: row, set }])
          : null
      }
      onDelete={() => {
        onIndex(null);
        void edits.remove(label, [id]);
      }}
      onStep={{ before: step(index - 1), after: step(index + 1) }}
      onClose={() => onIndex(null)}
      onClosed={props.onClosed}
    />
  );
}
