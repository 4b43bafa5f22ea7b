import { useState, type ReactElement, type SubmitEvent } from 'react';
import { parseExactly } from '../api/exact-json';
import { readBlob, readText } from '../api/rest';
import { download } from '../download';
import { CopyButton } from '../shell/CopyButton';
import { Field, type ControlProps } from '../shell/Field';
import { Icon } from '../shell/Icon';
import { Problem } from '../shell/Problem';
import { addressOf, controlOf, hintOf, mayBeEmpty, type Variable } from './parameters';
import type { SavedQuery } from './use';

/** So much of an answer is shown; a file has all of it. */
const MAX_SHOWN_CHARACTERS = 100_000;

const FILES = { '.csv': 'CSV', '.xlsx': 'Excel' } as const;
type Ending = keyof typeof FILES;

/** Asks a saved query at its address, with values for its variables. */
export function RunForm({ query }: { query: SavedQuery }): ReactElement {
  const { name, variables } = query;
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [answer, setAnswer] = useState<string | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);

  async function run(ending: Ending | ''): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      const address = addressOf(query, typed, ending);
      if (ending === '') {
        setAnswer(JSON.stringify(parseExactly(await readText(address)), null, 2));
      } else {
        const file = await readBlob(address);
        download(name + ending, file.type, file);
      }
    } catch (error) {
      if (ending === '') setAnswer(null);
      setProblem(error);
    } finally {
      setBusy(false);
    }
  }
  function submit(event: SubmitEvent): void {
    event.preventDefault();
    const { submitter } = event.nativeEvent;
    const wanted = submitter instanceof HTMLButtonElement ? submitter.value : '';
    void run(wanted in FILES ? (wanted as Ending) : '');
  }
  const address = location.origin + addressOf(query, typed);
  return (
    <form className="form" aria-label={`Run ${name}`} onSubmit={submit}>
      {variables.length > 0 && (
        <div className="fields">
          {variables.map((variable) => (
            <Field
              key={variable.name}
              className={controlOf(variable) === 'lines' ? 'field grow' : 'field'}
              label={
                <>
                  {variable.name} <code className="hint">{variable.type}</code>
                </>
              }
            >
              {(control) => (
                <VariableInput
                  control={control}
                  variable={variable}
                  value={typed[variable.name] ?? ''}
                  onChange={(text) => setTyped({ ...typed, [variable.name]: text })}
                />
              )}
            </Field>
          ))}
        </div>
      )}
      <div className="actions">
        <code className="query-address">{address}</code>
        <CopyButton text={address} className="button" label={`Copy the address of ${name}`} />
      </div>
      <div className="actions">
        <button type="submit" className="button primary" disabled={isBusy}>
          <Icon name="play" />
          {isBusy ? 'Asking…' : 'Run'}
        </button>
        {Object.entries(FILES).map(([ending, label]) => (
          <button
            key={ending}
            type="submit"
            value={ending}
            className="button"
            disabled={isBusy}
            aria-label={`Download as ${label}`}
          >
            <Icon name="download" />
            {label}
          </button>
        ))}
      </div>
      <Problem error={problem} />
      {answer !== null && (
        <>
          <pre className="query-answer" tabIndex={0} role="region" aria-label={`Answer of ${name}`}>
            {answer.slice(0, MAX_SHOWN_CHARACTERS)}
          </pre>
          {answer.length > MAX_SHOWN_CHARACTERS && (
            <p className="hint">This is its beginning. A file has all of it.</p>
          )}
        </>
      )}
    </form>
  );
}

function VariableInput(props: {
  control: ControlProps;
  variable: Variable;
  value: string;
  onChange: (text: string) => void;
}): ReactElement {
  const { control, variable, value } = props;
  const common = {
    ...control,
    className: 'input mono',
    required: !mayBeEmpty(variable),
    value,
    onChange: ({ target }: { target: { value: string } }) => props.onChange(target.value),
  };
  const hint = hintOf(variable);
  switch (controlOf(variable)) {
    case 'choice':
      return (
        <select {...common}>
          <option value="">{hint}</option>
          <option>true</option>
          <option>false</option>
        </select>
      );
    case 'lines':
      return <textarea {...common} rows={2} spellCheck={false} placeholder={hint} />;
    case 'line':
      return <input {...common} autoComplete="off" spellCheck={false} placeholder={hint} />;
  }
}
