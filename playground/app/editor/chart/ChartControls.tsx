import type { ReactElement } from 'react';
import { SelectField } from '../../shell/Field';
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
      <SelectField
        className="chart-field"
        label={choice.kind === 'pie' ? 'Slices' : 'X'}
        value={choice.x}
        options={fields.map(asOption)}
        onChange={(x) => onChange({ x })}
      />
      <SelectField
        className="chart-field"
        label="Measure"
        value={choice.aggregate}
        options={AGGREGATES.filter((aggregate) => numbers.length > 0 || aggregate === 'count').map(
          (aggregate) => [aggregate, AGGREGATE_NAMES[aggregate]],
        )}
        onChange={(value) => onChange({ aggregate: value as Aggregate })}
      />
      {choice.y !== null && (
        <SelectField
          className="chart-field"
          label="Y"
          value={choice.y}
          options={numbers.map(asOption)}
          onChange={(y) => onChange({ y })}
        />
      )}
      {choice.kind !== 'pie' && (
        <SelectField
          className="chart-field"
          label="Series"
          value={choice.series ?? ''}
          options={[
            ['', 'none'],
            ...fields
              .filter(({ name, kind }) => name !== choice.x && kind !== 'time')
              .map(asOption),
          ]}
          onChange={(series) => onChange({ series: series === '' ? null : series })}
        />
      )}
    </div>
  );
}

function asOption({ name }: ChartField): [value: string, words: string] {
  return [name, name];
}
