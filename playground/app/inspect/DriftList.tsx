import type { ReactElement } from 'react';
import type { LoadMode } from '../api/operations';
import { withColumn, type Sheet, type SheetPlan } from './plan';

type Drift = Sheet['drift'][number];

/** How the file differs from the dataset that is there, and what can be done about each. */
export function DriftList(props: {
  sheet: Sheet;
  mode: LoadMode;
  plan: SheetPlan;
  onPlan: (plan: SheetPlan) => void;
}): ReactElement | null {
  const { sheet, plan, onPlan, mode } = props;
  if (!sheet.exists || mode === 'CREATE') return null;
  if (sheet.drift.length === 0) {
    return <p className="hint">The columns are those of the dataset {sheet.dataset}.</p>;
  }
  // What needs a decision comes first.
  const drifts = sheet.drift.toSorted(
    (one, other) => Number(one.impact === 'SAFE') - Number(other.impact === 'SAFE'),
  );
  const nBreaking = sheet.drift.filter(({ impact }) => impact === 'BREAKING').length;
  return (
    <section aria-labelledby="drift">
      <h2 id="drift" {...(nBreaking > 0 && { className: 'warn' })}>
        {nBreaking > 0
          ? `Clients of ${sheet.dataset} would feel this`
          : `What changes in ${sheet.dataset} is safe: queries go on as they are`}
      </h2>
      <ul className="drift">
        {drifts.map((drift) => {
          const remedy = remedyOf(drift);
          return (
            <li key={`${drift.kind} ${drift.column}`}>
              <span className="tag" data-tone={drift.impact === 'SAFE' ? 'good' : 'bad'}>
                {drift.impact}
              </span>
              <div>
                <p>{drift.message}</p>
                {drift.impact === 'BREAKING' && <p className="hint">{adviceOf(drift)}</p>}
                {remedy && (
                  <button
                    type="button"
                    className="button"
                    onClick={() => onPlan(remedy.apply(plan))}
                  >
                    {remedy.label}
                  </button>
                )}
              </div>
            </li>
          );
        })}
      </ul>
      {nBreaking > 0 && (
        <div className="actions">
          <button
            type="button"
            className="button"
            aria-pressed={plan.onDrift === 'WIDEN'}
            onClick={() => onPlan({ ...plan, onDrift: plan.onDrift === 'WIDEN' ? null : 'WIDEN' })}
          >
            Keep the dataset’s columns, and widen them
          </button>
        </div>
      )}
      {sheet.sdlDiff !== null && sheet.sdlDiff !== '' && (
        <details>
          <summary>The change of the type {sheet.typeName}</summary>
          <pre tabIndex={0}>
            {sheet.sdlDiff.split('\n').map((line, at) => (
              <span key={at} className="diff-line" data-sign={line.charAt(0)}>
                {line}
                {'\n'}
              </span>
            ))}
          </pre>
        </details>
      )}
    </section>
  );
}

function adviceOf({ kind }: Drift): string {
  switch (kind) {
    case 'MISSING':
      return 'Queries of this field would fail. Keep the dataset’s columns, or tell its clients.';
    case 'RENAMED':
      return 'Give the column its old field name, or tell the clients.';
    case 'WIDENED':
    case 'NARROWED':
      return 'Generated clients expect the old type. Keep it, and refuse the rows that do not fit; or tell the clients.';
    case 'REKEYED':
      return 'Rows would be named by other values. Choose the key that the dataset has.';
    case 'ADDED':
      return 'Look whether clients write this dataset: they know nothing of the column.';
  }
}

/** What one click can do about a difference. */
function remedyOf(drift: Drift): { label: string; apply: (plan: SheetPlan) => SheetPlan } | null {
  const { kind, labelAfter, typeBefore, typeAfter } = drift;
  if (labelAfter === null || drift.impact === 'SAFE') return null;
  if (typeBefore !== null && typeBefore !== typeAfter) {
    return {
      label: `Keep ${typeBefore}, refuse rows that do not fit`,
      apply: (plan) => ({
        ...withColumn(plan, labelAfter, { type: typeBefore }),
        onError: 'REJECT',
      }),
    };
  }
  if (kind === 'RENAMED') {
    return {
      label: `Keep the field name ${drift.column}`,
      apply: (plan) => withColumn(plan, labelAfter, { name: drift.column }),
    };
  }
  return null;
}
