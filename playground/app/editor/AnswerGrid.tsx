import { useMemo, type ReactElement } from 'react';
import { Grid, type GridColumn } from '../grid/Grid';
import { isNumeric } from '../grid/cell';
import type { AnswerTable } from './tabular';

/** A table of an answer in the grid, every value as the API gave it. */
export function AnswerGrid({ table }: { table: AnswerTable }): ReactElement {
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
