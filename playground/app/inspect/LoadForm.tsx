import { useId, type ReactElement } from 'react';
import type { DriftPolicy, LoadMode } from '../api/operations';
import { countOf } from '../format';
import { modeOf, type Sheet, type SheetPlan } from './plan';

const MODES: Record<LoadMode, [string, string]> = {
  CREATE: ['Create', 'a new dataset; the name must be free'],
  REPLACE: ['Replace', 'its rows and columns by those of the file'],
  APPEND: ['Append', 'the rows below those that are there'],
  UPSERT: ['Upsert', 'change the rows whose key is there, add the others'],
};

/** How the sheet becomes a dataset, and the button that does it. */
export function LoadForm(props: {
  sheet: Sheet;
  plan: SheetPlan;
  onPlan: (plan: SheetPlan) => void;
  nToLoad: number;
  isLooking: boolean;
  onLoad: () => void;
}): ReactElement {
  const { sheet, plan, onPlan, nToLoad } = props;
  const mode = modeOf(plan, sheet);
  const ids = { name: useId(), drift: useId(), errors: useId() };
  const name = plan.name ?? sheet.dataset;
  const nRefused = Number(sheet.rejectCount);
  const isRefused = nRefused > 0 && plan.onError === 'ABORT';
  const nBreaking =
    mode === 'CREATE' ? 0 : sheet.drift.filter(({ impact }) => impact === 'BREAKING').length;
  return (
    <form
      className="load-form"
      aria-label="Load"
      onSubmit={(event) => {
        event.preventDefault();
        props.onLoad();
      }}
    >
      <h2>How it is loaded</h2>
      <div className="fields">
        <div className="field">
          <label htmlFor={ids.name}>Dataset</label>
          <input
            id={ids.name}
            className="input"
            value={plan.name ?? ''}
            placeholder={sheet.dataset}
            onChange={(event) => onPlan({ ...plan, name: event.target.value || null, mode: null })}
          />
        </div>
        <fieldset className="modes">
          <legend>
            {sheet.exists ? `There is a dataset ${sheet.dataset}` : 'This name is free'}
          </legend>
          {(Object.keys(MODES) as LoadMode[])
            .filter((one) => one !== 'CREATE' || !sheet.exists)
            .filter((one) => one === 'CREATE' || sheet.exists)
            .map((one) => (
              <label key={one} className="inline" title={MODES[one][1]}>
                <input
                  type="radio"
                  name="mode"
                  checked={mode === one}
                  onChange={() => onPlan({ ...plan, mode: one })}
                />
                {MODES[one][0]}
              </label>
            ))}
          <span className="hint">{MODES[mode][1]}</span>
        </fieldset>
        {mode !== 'CREATE' && (
          <div className="field">
            <label htmlFor={ids.drift}>If columns differ</label>
            <select
              id={ids.drift}
              className="input"
              value={plan.onDrift ?? ''}
              onChange={(event) =>
                onPlan({ ...plan, onDrift: (event.target.value || null) as DriftPolicy | null })
              }
            >
              <option value="">
                {mode === 'REPLACE'
                  ? 'The file’s columns hold'
                  : 'Load nothing if it breaks clients'}
              </option>
              <option value="FAIL">Load nothing if it breaks clients</option>
              <option value="WIDEN">Keep columns, widen their types</option>
              <option value="REPLACE">The file’s columns hold</option>
            </select>
          </div>
        )}
        <div className="field">
          <label htmlFor={ids.errors}>Rows that do not fit</label>
          <select
            id={ids.errors}
            className="input"
            value={plan.onError}
            onChange={(event) =>
              onPlan({ ...plan, onError: event.target.value as SheetPlan['onError'] })
            }
          >
            <option value="ABORT">Load nothing</option>
            <option value="REJECT">Keep them aside, to be corrected</option>
          </select>
        </div>
      </div>
      <div className="load-bar">
        <p className={isRefused || nBreaking > 0 ? 'warn' : 'hint'}>
          {[
            `${countOf(sheet.rowCount, 'row')}, ${countOf(sheet.columns.length, 'column')}`,
            nBreaking > 0 && `${countOf(nBreaking, 'difference')} that clients would feel`,
            nRefused > 0 && `${countOf(nRefused, 'row')} refused`,
          ]
            .filter(Boolean)
            .join('; ')}
          {isRefused && ': correct the types above, or keep those rows aside'}
        </p>
        <button
          type="submit"
          className="button primary"
          disabled={props.isLooking || nToLoad === 0}
        >
          {nToLoad > 1 ? `Load ${nToLoad} sheets` : buttonText(mode, name, nToLoad)}
        </button>
      </div>
    </form>
  );
}

function buttonText(mode: LoadMode, name: string, nToLoad: number): string {
  if (nToLoad === 0) return 'Choose a sheet';
  switch (mode) {
    case 'CREATE':
      return `Load as ${name}`;
    case 'REPLACE':
      return `Replace ${name}`;
    case 'APPEND':
      return `Append to ${name}`;
    case 'UPSERT':
      return `Upsert into ${name}`;
  }
}
