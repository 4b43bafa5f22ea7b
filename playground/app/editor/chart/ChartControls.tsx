import { useId, type ReactElement } from 'react';
import { AGGREGATES, CHART_KINDS, type Aggregate, type Choice } from './choice';
import type { ChartField } from './fields';
import { KIND_NAMES } from './points';

const SHORT_NAMES: Record<Choice['kind'], string> = {
  bar: 'Bar',
  line: 'Line',
  area: 'Area',
  scatter: 'Scatter',
  pie: 'Pie',
};

const AGGREGATE_NAMES: Record<Aggregate, string> = {
  none: 'each row',
  sum: 'sum',
  avg: 'average',
  min: 'smallest',
  max: 'largest',
  count: 'number of rows',
};

/** Which chart, of which columns. */
export function ChartControls(props: {
  fields: ChartField[];
  choice: Choice;
  onChange: (change: Partial<Choice>) => void;
}): ReactElement {
  const { fields, choice, onChange } = props;
  const numbers = fields.filter(({ kind }) => kind === 'number');
  return (
    <div className="chart-controls">
      <div className="segments" role="group" aria-label="Kind of chart">
        {CHART_KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            className="button"
            title={KIND_NAMES[kind]}
            aria-pressed={choice.kind === kind}
            onClick={() => onChange({ kind })}
          >
            {SHORT_NAMES[kind]}
          </button>
        ))}
      </div>
      <Field
        label={choice.kind === 'pie' ? 'Slices' : 'X'}
        value={choice.x}
        onChange={(x) => onChange({ x })}
      >
        {fields.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </Field>
      <Field
        label="Measure"
        value={choice.aggregate}
        onChange={(value) => onChange({ aggregate: value as Aggregate })}
      >
        {AGGREGATES.filter((aggregate) => numbers.length > 0 || aggregate === 'count').map(
          (aggregate) => (
            <option key={aggregate} value={aggregate}>
              {AGGREGATE_NAMES[aggregate]}
            </option>
          ),
        )}
      </Field>
      {choice.y !== null && (
        <Field label="Y" value={choice.y} onChange={(y) => onChange({ y })}>
          {numbers.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </Field>
      )}
      {choice.kind !== 'pie' && (
        <Field
          label="Series"
          value={choice.series ?? ''}
          onChange={(series) => onChange({ series: series === '' ? null : series })}
        >
          <option value="">none</option>
          {fields
            .filter(({ name, kind }) => name !== choice.x && kind !== 'time')
            .map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
        </Field>
      )}
    </div>
  );
}

function Field(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: React.ReactNode;
}): ReactElement {
  const id = useId();
  return (
    <span className="chart-field">
      <label htmlFor={id}>{props.label}</label>
      <select
        id={id}
        className="input"
        value={props.value}
        onChange={(event) => props.onChange(event.target.value)}
      >
        {props.children}
      </select>
    </span>
  );
}
