import type { ReactElement } from 'react';
import type { DriftPolicy, LoadMode } from '../api/operations';
import { countOf } from '../format';
import { InputField, SelectField } from '../shell/Field';
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
        <InputField
          label="Dataset"
          value={plan.name ?? ''}
          onChange={(text) => onPlan({ ...plan, name: text || null, mode: null })}
          input={{ placeholder: sheet.dataset }}
        />
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
          <SelectField
            label="If columns differ"
            value={plan.onDrift ?? ''}
            options={[
              [
                '',
                mode === 'REPLACE'
                  ? 'The file’s columns hold'
                  : 'Load nothing if it breaks clients',
              ],
              ['FAIL', 'Load nothing if it breaks clients'],
              ['WIDEN', 'Keep columns, widen their types'],
              ['REPLACE', 'The file’s columns hold'],
            ]}
            onChange={(value) =>
              onPlan({ ...plan, onDrift: (value || null) as DriftPolicy | null })
            }
          />
        )}
        <SelectField
          label="Rows that do not fit"
          value={plan.onError}
          options={[
            ['ABORT', 'Load nothing'],
            ['REJECT', 'Keep them aside, to be corrected'],
          ]}
          onChange={(value) => onPlan({ ...plan, onError: value as SheetPlan['onError'] })}
        />
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
