import { useId, type InputHTMLAttributes, type ReactElement, type ReactNode } from 'react';

/** What ties a control to its label, and to what is wrong with it. */
export interface ControlProps {
  id: string;
  'aria-invalid'?: boolean;
  'aria-describedby'?: string;
}

interface FieldProps {
  label: ReactNode;
  className?: string;
}

/** A control below its label. Where a `problem` is given, be it undefined, there is room for one. */
export function Field(
  props: FieldProps & {
    problem?: string | undefined;
    children: (control: ControlProps) => ReactNode;
  },
): ReactElement {
  const { className = 'field', label, problem } = props;
  const id = useId();
  const isChecked = 'problem' in props;
  const described = { 'aria-invalid': problem !== undefined, 'aria-describedby': `${id}problem` };
  return (
    <div className={className}>
      <label htmlFor={id}>{label}</label>
      {props.children({ id, ...(isChecked && described) })}
      {isChecked && (
        <p id={`${id}problem`} className="field-problem" aria-live="polite">
          {problem}
        </p>
      )}
    </div>
  );
}

/** One of several values, each told in words. */
export function SelectField(
  props: FieldProps & {
    value: string;
    options: readonly (readonly [value: string, words: string])[];
    onChange: (value: string) => void;
  },
): ReactElement {
  const { value, options, onChange, ...field } = props;
  return (
    <Field {...field}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        >
          {options.map(([option, words]) => (
            <option key={option} value={option}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A line of text, or a number. */
export function InputField(
  props: FieldProps & {
    value: string;
    onChange: (text: string) => void;
    input?: Omit<InputHTMLAttributes<HTMLInputElement>, 'value' | 'onChange'>;
  },
): ReactElement {
  const { value, onChange, input, ...field } = props;
  return (
    <Field {...field}>
      {(control) => (
        <input
          className="input"
          {...input}
          {...control}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
