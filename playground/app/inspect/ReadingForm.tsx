import { useState, type ReactElement } from 'react';
import { formatCount } from '../format';
import { Field, InputField, SelectField } from '../shell/Field';
import { withReading, type Reading, type Sheet, type SheetPlan } from './plan';

const DELIMITERS: [string, string][] = [
  [',', 'Comma ,'],
  [';', 'Semicolon ;'],
  ['tab', 'Tab'],
  ['|', 'Pipe |'],
  [':', 'Colon :'],
  ['^', 'Caret ^'],
];
const ENCODINGS = [
  'UTF-8',
  'UTF-16LE',
  'UTF-16BE',
  'windows-1252',
  'windows-1250',
  'windows-1251',
  'iso-8859-2',
  'iso-8859-15',
  'macintosh',
  'shift_jis',
  'euc-jp',
  'gb18030',
  'big5',
  'euc-kr',
];

/** How the file was read and why, each decision open to correction. */
export function ReadingForm(props: {
  sheet: Sheet;
  first: Sheet;
  plan: SheetPlan;
  onPlan: (plan: SheetPlan) => void;
}): ReactElement {
  const { sheet, first, plan } = props;
  const { reading } = plan;
  const isText = sheet.format === 'DELIMITED';
  const isWorkbook = ['XLSX', 'XLS', 'XLSB', 'ODS', 'XLSM'].includes(sheet.format);
  const isJson = sheet.format.includes('JSON');
  const change = (changed: { [Option in keyof Reading]: Reading[Option] | undefined }) =>
    props.onPlan(withReading(plan, changed));
  // In a narrow window the columns and rows come first.
  const [isOpenAtFirst] = useState(() => window.innerWidth > 700);
  const isAsFound = Object.keys(reading).length === 0;
  return (
    <details className="reading" open={isOpenAtFirst}>
      <summary>How it is read</summary>
      <p className="hint">
        {sheet.format}
        {!isWorkbook && `, ${sheet.encoding}`}. Header: {sheet.headerReason}.
        {isText && sheet.dialectReason !== null && ` Columns: ${sheet.dialectReason}.`}
      </p>
      <div className="fields">
        {(isText || isJson) && (
          <Choice
            label="Encoding"
            value={reading.encoding ?? ''}
            found={first.encoding}
            options={ENCODINGS.map((name) => [name, name])}
            onChange={(encoding) => change({ encoding })}
          />
        )}
        {isText && (
          <>
            <Choice
              label="Columns are separated by"
              value={reading.delimiter ?? ''}
              found={delimiterInWords(first.delimiter)}
              options={DELIMITERS}
              onChange={(delimiter) => change({ delimiter })}
            />
            <Choice
              label="Quotes"
              value={reading.quote === undefined ? '' : reading.quote || 'none'}
              found={first.quote ?? 'none'}
              options={[
                ['"', 'Double "'],
                ["'", "Single '"],
                ['none', 'None'],
              ]}
              onChange={(quote) => change({ quote: quote === 'none' ? '' : quote })}
            />
          </>
        )}
        {!isJson && (
          <>
            <NumberField
              label="Header row"
              value={reading.headerRow}
              found={first.headerRow === null ? 'none' : formatCount(first.headerRow)}
              hint="0 for none"
              onChange={(headerRow) => change({ headerRow })}
            />
            <Choice
              label="Header lines"
              value={String(reading.headerRows ?? '')}
              found={String(first.headerRows)}
              options={[
                ['1', '1'],
                ['2', '2, stacked'],
              ]}
              onChange={(rows) =>
                change({ headerRows: rows === undefined ? undefined : Number(rows) })
              }
            />
            <NumberField
              label="Leave out at the end"
              value={reading.skipFooter}
              found="0"
              hint="rows"
              onChange={(skipFooter) => change({ skipFooter })}
            />
          </>
        )}
        <Choice
          label="Dates like 03/04/2024 begin with"
          value={reading.dateOrder ?? ''}
          found="as the values show"
          options={[
            ['DMY', 'the day'],
            ['MDY', 'the month'],
            ['YMD', 'the year'],
          ]}
          onChange={(order) => change({ dateOrder: order as Reading['dateOrder'] })}
        />
        <Choice
          label="Decimal mark"
          value={reading.decimalMark ?? ''}
          found="as the values show"
          options={[
            ['.', 'Point 1.5'],
            [',', 'Comma 1,5'],
          ]}
          onChange={(decimalMark) => change({ decimalMark })}
        />
        <WordsField
          label="Words for no value"
          value={reading.nullSpellings}
          onChange={(nullSpellings) => change({ nullSpellings })}
        />
        {isJson && (
          <label className="inline">
            <input
              type="checkbox"
              checked={reading.flatten ?? false}
              onChange={(event) => change({ flatten: event.target.checked || undefined })}
            />
            Members of objects become columns
          </label>
        )}
      </div>
      {!isAsFound && (
        <button
          type="button"
          className="button quiet"
          onClick={() => props.onPlan({ ...plan, reading: {} })}
        >
          Back to what was found
        </button>
      )}
    </details>
  );
}

function delimiterInWords(delimiter: string | null): string {
  if (delimiter === null) return 'none';
  if (delimiter === '\t') return 'Tab';
  return DELIMITERS.find(([value]) => value === delimiter)?.[1] ?? delimiter;
}

/** A decision that was found; another one takes its place. */
function Choice(props: {
  label: string;
  value: string;
  found: string;
  options: [string, string][];
  onChange: (value: string | undefined) => void;
}): ReactElement {
  return (
    <SelectField
      label={props.label}
      value={props.value}
      options={[['', `Found: ${props.found}`], ...props.options]}
      onChange={(value) => props.onChange(value || undefined)}
    />
  );
}

function NumberField(props: {
  label: string;
  value: number | null | undefined;
  found: string;
  hint: string;
  onChange: (value: number | undefined) => void;
}): ReactElement {
  return (
    <InputField
      label={
        <>
          {props.label} <span className="hint">({props.hint})</span>
        </>
      }
      value={String(props.value ?? '')}
      onChange={(text) => props.onChange(text === '' ? undefined : Number(text))}
      input={{ type: 'number', min: 0, placeholder: `Found: ${props.found}` }}
    />
  );
}

function WordsField(props: {
  label: string;
  value: string | string[] | null | undefined;
  onChange: (value: string[] | undefined) => void;
}): ReactElement {
  return (
    <Field label={props.label}>
      {(control) => (
        <input
          {...control}
          className="input"
          placeholder="The usual: NULL, NA, -, …"
          defaultValue={[props.value ?? []].flat().join(', ')}
          onChange={(event) => {
            const words = event.target.value.split(',').map((word) => word.trim());
            const said = words.filter((word) => word !== '');
            props.onChange(said.length === 0 ? undefined : said);
          }}
        />
      )}
    </Field>
  );
}
