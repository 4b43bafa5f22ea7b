import { useEffect, type ReactElement } from 'react';
import { countOf } from '../format';
import { Problem } from '../shell/Problem';
import type { Upload } from '../upload/uploads';
import { ColumnTable } from './ColumnTable';
import { DriftList } from './DriftList';
import { useLook } from './inspection';
import { LoadForm } from './LoadForm';
import { changesTheLook, modeOf, type Sheet, type SheetPlan } from './plan';
import { Preview } from './Preview';
import { ReadingForm } from './ReadingForm';

/** One sheet: how it is read, its columns, its first rows, and how it is loaded. */
export function SheetView(props: {
  upload: Upload;
  /** As Sluice saw it by itself. */
  first: Sheet;
  nSheets: number;
  isWholeWanted: boolean;
  isWhole: boolean;
  plan: SheetPlan;
  onPlan: (plan: SheetPlan) => void;
  onLook: (sheet: Sheet) => void;
  nToLoad: number;
  onLoad: () => void;
}): ReactElement {
  const { first, plan, onPlan, onLook } = props;
  const look = useLook(props.upload, first, props.nSheets, plan, props.isWholeWanted);
  const isChanged = changesTheLook(plan);
  const seen = isChanged ? look.data?.sheets[0] : undefined;
  const sheet = seen ?? first;
  useEffect(() => {
    if (seen) onLook(seen);
    // Each answer is told once; the function is another one at each drawing.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [seen]);
  const isLooking = look.isAhead || (isChanged && look.isFetching);
  return (
    <>
      <p className="unseen" role="status">
        {isLooking ? 'Looking again' : ''}
      </p>
      {look.isWaitingForWord && (
        <p className="remark">
          This file is sent whole at each look.{' '}
          <button type="button" className="button" onClick={look.lookAgain}>
            Look again with these choices
          </button>
        </p>
      )}
      {isChanged && look.isError && <Problem error={look.error} />}
      <ReadingForm sheet={sheet} first={first} plan={plan} onPlan={onPlan} />
      <section aria-labelledby="columns-found" aria-busy={isLooking}>
        <h2 id="columns-found">
          {countOf(sheet.columns.length, 'column')}
          {isLooking && <span className="spinner small" aria-hidden="true" />}
        </h2>
        <ColumnTable sheet={sheet} first={first} plan={plan} onPlan={onPlan} />
      </section>
      <section aria-labelledby="first-rows" aria-busy={isLooking}>
        <h2 id="first-rows">
          First rows of {countOf(sheet.rowCount, 'row')}
          {!props.isWhole && ' seen so far'}
        </h2>
        <Preview sheet={sheet} />
      </section>
      <Refused sheet={sheet} />
      <DriftList sheet={sheet} mode={modeOf(plan, sheet)} plan={plan} onPlan={onPlan} />
      <Notices sheet={sheet} />
      <LoadForm
        sheet={sheet}
        plan={plan}
        onPlan={onPlan}
        nToLoad={props.nToLoad}
        isLooking={isLooking}
        onLoad={props.onLoad}
      />
    </>
  );
}

function Refused({ sheet }: { sheet: Sheet }): ReactElement | null {
  if (sheet.rejectCount === '0') return null;
  return (
    <section aria-labelledby="refused-rows">
      <h2 id="refused-rows" className="warn">
        {countOf(sheet.rejectCount, 'row')} would be refused
      </h2>
      <table className="table">
        <thead>
          <tr>
            <th className="number">Row</th>
            <th>Column</th>
            <th>Value</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {sheet.rejects.map((reject) => (
            <tr key={`${reject.row} ${reject.column}`}>
              <td className="number" data-label="Row">
                {reject.row}
              </td>
              <td data-label="Column">{reject.column}</td>
              <td data-label="Value" className="mono">
                {reject.value}
              </td>
              <td>{reject.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Notices({ sheet }: { sheet: Sheet }): ReactElement | null {
  if (sheet.notices.length === 0) return null;
  return (
    <details>
      <summary>{countOf(sheet.notices.length, 'notice')}: what was decided or normalised</summary>
      <ul className="plain-list">
        {sheet.notices.map((notice) => (
          <li key={`${notice.code} ${notice.column ?? ''} ${notice.row ?? ''} ${notice.message}`}>
            {notice.message}
          </li>
        ))}
      </ul>
    </details>
  );
}
