import { useState, type ReactElement } from 'react';
import type { Dataset } from '../../api/catalog';
import { request } from '../../api/graphql';
import { PlaygroundReparseDocument } from '../../api/operations';
import { useChange } from '../change';
import type { Source } from '../details';
import { WAIT_SECONDS } from '../job';
import { isLoss, Lost } from '../Lost';
import { InputField, SelectField } from '../../shell/Field';
import { Problem } from '../../shell/Problem';
import { Progress } from '../Progress';
import { NO_OPTIONS, optionsOf, type OptionsDraft } from './options';

/** Reads the file anew, in another way. */
export function ReparseForm(props: { dataset: Dataset; source: Source | null }): ReactElement {
  const { dataset, source } = props;
  const [draft, setDraft] = useState<OptionsDraft>(NO_OPTIONS);
  const [isDone, setDone] = useState(false);
  const change = useChange(async (allowLoss: boolean) => {
    const { reparse } = await request(PlaygroundReparseDocument, {
      dataset: dataset.name,
      options: optionsOf(draft),
      allowLoss,
      wait: WAIT_SECONDS,
    });
    return reparse.job;
  });
  function set(part: Partial<OptionsDraft>): void {
    setDraft((now) => ({ ...now, ...part }));
    setDone(false);
    change.reset();
  }
  const run = (allowLoss: boolean) => {
    void change.run(allowLoss).then((job) => setDone(job !== false));
  };
  const isEmpty = Object.keys(optionsOf(draft)).length === 0;
  return (
    <section className="tab-section" aria-labelledby="settings-reparse">
      <h2 id="settings-reparse">Read the file anew</h2>
      <p className="hint">
        {source ? `${source.fileName} is read again` : 'The file is read again'} with what you give
        here; what you leave empty stays as it was decided. Rows whose values would not fit any more
        are shown first.
      </p>
      <form
        className="dialog-form settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          run(false);
        }}
      >
        <div className="dialog-row">
          <SelectField
            className="labelled"
            label="Between cells"
            value={draft.delimiter}
            onChange={(delimiter) => set({ delimiter })}
            options={[
              ['', 'as it is'],
              [',', 'comma ,'],
              [';', 'semicolon ;'],
              ['tab', 'tab'],
              ['|', 'bar |'],
            ]}
          />
          <SelectField
            className="labelled"
            label="Around cells"
            value={draft.quote}
            onChange={(quote) => set({ quote })}
            options={[
              ['', 'as it is'],
              ['"', 'double quote "'],
              ["'", "single quote '"],
              ['none', 'nothing'],
            ]}
          />
          <Entry
            label="Encoding"
            placeholder="windows-1252"
            value={draft.encoding}
            onChange={(encoding) => set({ encoding })}
          />
          <Entry
            label="Header row, 0 for none"
            isNumber
            value={draft.headerRow}
            onChange={(headerRow) => set({ headerRow })}
          />
          <SelectField
            className="labelled"
            label="Rows of the header"
            value={draft.headerRows}
            onChange={(headerRows) => set({ headerRows })}
            options={[
              ['', 'as it is'],
              ['1', 'one'],
              ['2', 'two, stacked'],
            ]}
          />
          <Entry
            label="Rows left out before the header"
            isNumber
            value={draft.skipRows}
            onChange={(skipRows) => set({ skipRows })}
          />
          <Entry
            label="Rows left out at the end"
            isNumber
            value={draft.skipFooter}
            onChange={(skipFooter) => set({ skipFooter })}
          />
          <Entry
            label="Words that mean no value"
            placeholder="NA, n.v., -"
            value={draft.nullSpellings}
            onChange={(nullSpellings) => set({ nullSpellings })}
          />
          <SelectField
            className="labelled"
            label="Dates like 03/04/2024"
            value={draft.dateOrder}
            onChange={(dateOrder) => set({ dateOrder: dateOrder as OptionsDraft['dateOrder'] })}
            options={[
              ['', 'as it is'],
              ['DMY', 'day first'],
              ['MDY', 'month first'],
              ['YMD', 'year first'],
            ]}
          />
          <SelectField
            className="labelled"
            label="Decimal mark"
            value={draft.decimalMark}
            onChange={(decimalMark) => set({ decimalMark })}
            options={[
              ['', 'as it is'],
              ['.', 'point .'],
              [',', 'comma ,'],
            ]}
          />
        </div>
        <Progress change={change} />
        <Lost change={change} onAllow={() => run(true)} />
        {!isLoss(change) && <Problem error={change.error} />}
        <div className="settings-actions">
          <button type="submit" className="button" disabled={isEmpty || change.isRunning}>
            Read the file anew
          </button>
          <span role="status" className="hint">
            {isDone && `Done: version ${dataset.version}.`}
          </span>
        </div>
      </form>
    </section>
  );
}

function Entry(props: {
  label: string;
  value: string;
  placeholder?: string;
  isNumber?: boolean;
  onChange: (text: string) => void;
}): ReactElement {
  return (
    <InputField
      className="labelled"
      label={props.label}
      value={props.value}
      onChange={props.onChange}
      input={{
        autoComplete: 'off',
        placeholder: props.placeholder ?? 'as it is',
        ...(props.isNumber && { type: 'number', min: 0 }),
      }}
    />
  );
}
