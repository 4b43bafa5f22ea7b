import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isRequiredInputField,
  Kind,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLList,
  type ListValueNode,
  type ObjectValueNode,
  type ValueNode,
} from 'graphql';
import { useState, type ReactElement } from 'react';
import { Head } from './FieldRow';
import { emptyValue, scalarText, scalarValue, withObjectField } from './values';

interface ValueProps<Value = ValueNode, Type = GraphQLInputType> {
  label: string;
  type: Type;
  value: Value;
  onChange: (value: ValueNode) => void;
}

/** The control that a type asks for: a field of text, a choice, a list, or the fields of an object. */
export function ValueInput({ label, type, value, onChange }: ValueProps): ReactElement {
  const inner = getNullableType(type);
  if (value.kind === Kind.VARIABLE) {
    return <span className="builder-variable">${value.name.value}</span>;
  }
  if (value.kind === Kind.NULL) return <span className="builder-variable">null</span>;
  if (isListType(inner)) {
    // One value stands for a list of one.
    const list = value.kind === Kind.LIST ? value : { kind: Kind.LIST, values: [value] };
    return (
      <ListInput label={label} type={inner} value={list as ListValueNode} onChange={onChange} />
    );
  }
  if (isInputObjectType(inner)) {
    const object = value.kind === Kind.OBJECT ? value : { kind: Kind.OBJECT as const, fields: [] };
    return <ObjectInput label={label} type={inner} value={object} onChange={onChange} />;
  }
  if (isEnumType(inner)) {
    return (
      <Choice
        label={label}
        value={'value' in value ? String(value.value) : ''}
        options={inner.getValues().map(({ name }) => name)}
        onChange={(name) => onChange({ kind: Kind.ENUM, value: name })}
      />
    );
  }
  if (inner.name === 'Boolean') {
    return (
      <Choice
        label={label}
        value={value.kind === Kind.BOOLEAN ? String(value.value) : ''}
        options={['true', 'false']}
        onChange={(text) => onChange({ kind: Kind.BOOLEAN, value: text === 'true' })}
      />
    );
  }
  return <ScalarInput label={label} type={inner.name} value={value} onChange={onChange} />;
}

function Choice(props: {
  label: string;
  value: string;
  options: string[];
  onChange: (value: string) => void;
}): ReactElement {
  return (
    <select
      className="input builder-input"
      aria-label={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    >
      {props.options.map((option) => (
        <option key={option}>{option}</option>
      ))}
    </select>
  );
}

function ScalarInput({
  label,
  type,
  value,
  onChange,
}: ValueProps<ValueNode, string>): ReactElement {
  // What is being typed need not be a value yet: it is kept here until it is one.
  const [draft, setDraft] = useState<string | null>(null);
  const isBad = draft !== null && scalarValue(type, draft) === null;
  return (
    <input
      className="input mono builder-input"
      aria-label={label}
      aria-invalid={isBad}
      title={isBad ? `This is not a value of ${type} yet` : type}
      spellCheck={false}
      value={draft ?? scalarText(value)}
      onChange={(event) => {
        setDraft(event.target.value);
        const next = scalarValue(type, event.target.value);
        if (next) onChange(next);
      }}
      onBlur={() => setDraft(null)}
    />
  );
}

function ListInput(props: ValueProps<ListValueNode, GraphQLList<GraphQLInputType>>): ReactElement {
  const { label, type, value, onChange } = props;
  const write = (values: readonly ValueNode[]) => onChange({ kind: Kind.LIST, values });
  return (
    <ol className="builder-list" aria-label={label}>
      {value.values.map((item, index) => (
        // Items have no name but their place.
        <li key={index}>
          <ValueInput
            label={`${label} ${index + 1}`}
            type={type.ofType}
            value={item}
            onChange={(next) => write(value.values.map((old, at) => (at === index ? next : old)))}
          />
          <button
            type="button"
            className="builder-small"
            aria-label={`Take ${label} ${index + 1} away`}
            onClick={() => write(value.values.filter((_, at) => at !== index))}
          >
            ×
          </button>
        </li>
      ))}
      <li>
        <button
          type="button"
          className="builder-small builder-add"
          onClick={() => write([...value.values, emptyValue(type.ofType)])}
        >
          Add to {label}
        </button>
      </li>
    </ol>
  );
}

function ObjectInput(props: ValueProps<ObjectValueNode, GraphQLInputObjectType>): ReactElement {
  const { label, type, value, onChange } = props;
  return (
    <ul className="builder-object" aria-label={label}>
      {Object.values(type.getFields()).map((field) => {
        const given = value.fields.find(({ name }) => name.value === field.name)?.value;
        const set = (next: ValueNode | null) => onChange(withObjectField(value, field.name, next));
        return (
          <li key={field.name} className="builder-argument">
            <Head
              name={field.name}
              type={String(field.type)}
              description={field.description}
              isChecked={given !== undefined}
              isRequired={isRequiredInputField(field)}
              onCheck={() => set(given ? null : emptyValue(field.type))}
            />
            {given && (
              <ValueInput label={field.name} type={field.type} value={given} onChange={set} />
            )}
          </li>
        );
      })}
    </ul>
  );
}
