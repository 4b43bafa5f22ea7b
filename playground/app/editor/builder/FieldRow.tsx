import {
  getNamedType,
  isCompositeType,
  isRequiredArgument,
  Kind,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
} from 'graphql';
import { useId, useState, type ReactElement } from 'react';
import { useEdits } from './context';
import { fieldNamed, fieldsOf, toggled, withArgument, type FieldPath } from './edit';
import { ValueInput } from './ValueInput';
import { emptyValue } from './values';

/** A field of the schema: whether it is asked for, its arguments, and the fields below it. */
export function FieldRow(props: {
  definition: GraphQLField<unknown, unknown>;
  field: FieldNode | undefined;
  path: FieldPath;
}): ReactElement {
  const { definition, field, path } = props;
  const { change } = useEdits();
  const [wasOpened, setOpened] = useState<boolean | null>(null);
  const type = getNamedType(definition.type);
  const inner = isCompositeType(type) ? Object.values(fieldsOf(type)) : [];
  const hasMore = inner.length > 0 || definition.args.length > 0;
  // What is asked for stands open until it is closed.
  const isOpen = hasMore && (wasOpened ?? (field !== undefined && inner.length > 0));
  const id = useId();
  return (
    <li className="builder-field">
      <Head
        name={definition.name}
        type={String(definition.type)}
        description={definition.description}
        isDeprecated={definition.deprecationReason != null}
        isChecked={field !== undefined}
        onCheck={() => {
          change(path, toggled);
          setOpened(null);
        }}
        {...(hasMore && { isOpen, controls: id, onOpen: () => setOpened(!isOpen) })}
      />
      {isOpen && (
        <div className="builder-inner" id={id}>
          {definition.args.length > 0 && (
            <ul className="builder-arguments" aria-label={`Arguments of ${definition.name}`}>
              {definition.args.map((argument) => (
                <ArgumentRow key={argument.name} argument={argument} field={field} path={path} />
              ))}
            </ul>
          )}
          {inner.length > 0 && (
            <ul className="builder-fields" aria-label={`Fields of ${definition.name}`}>
              {inner.map((child) => (
                <FieldRow
                  key={child.name}
                  definition={child}
                  field={fieldNamed(field?.selectionSet, child.name)}
                  path={[...path, child.name]}
                />
              ))}
            </ul>
          )}
        </div>
      )}
    </li>
  );
}

function ArgumentRow(props: {
  argument: GraphQLArgument;
  field: FieldNode | undefined;
  path: FieldPath;
}): ReactElement {
  const { argument, field, path } = props;
  const { change, makeVariable } = useEdits();
  const { name, type, description } = argument;
  const value = field?.arguments?.find((given) => given.name.value === name)?.value;
  const set = (next: typeof value | null): void =>
    change(path, (before, definition) => {
      const asked = before ?? toggled(undefined, definition);
      return asked && withArgument(asked, name, next ?? null);
    });
  return (
    <li className="builder-argument">
      <Head
        name={name}
        type={String(type)}
        description={description}
        isChecked={value !== undefined}
        isRequired={isRequiredArgument(argument)}
        onCheck={() => set(value === undefined ? emptyValue(type) : null)}
      >
        {value && value.kind !== Kind.VARIABLE && (
          <button
            type="button"
            className="builder-small"
            title={`Make ${name} a variable, with this value as its default`}
            aria-label={`Make ${name} a variable`}
            onClick={() => makeVariable(path, name, type, value)}
          >
            $
          </button>
        )}
      </Head>
      {value && <ValueInput label={name} type={type} value={value} onChange={set} />}
    </li>
  );
}

/** A name with a box to check, its type, and what opens the rest. */
export function Head(props: {
  name: string;
  type: string;
  description: string | null | undefined;
  isChecked: boolean;
  isRequired?: boolean;
  isDeprecated?: boolean;
  onCheck: () => void;
  isOpen?: boolean;
  controls?: string;
  onOpen?: () => void;
  children?: React.ReactNode;
}): ReactElement {
  const { name, type, description, isOpen } = props;
  return (
    <div className="builder-head">
      {props.onOpen ? (
        <button
          type="button"
          className="builder-opener"
          aria-label={`${isOpen ? 'Close' : 'Open'} ${name}`}
          aria-expanded={isOpen}
          aria-controls={isOpen ? props.controls : undefined}
          onClick={props.onOpen}
        >
          <svg viewBox="0 0 8 8" aria-hidden="true" data-open={isOpen}>
            <path d="M2 1l4 3-4 3z" />
          </svg>
        </button>
      ) : (
        <span className="builder-opener" />
      )}
      <label title={description ?? undefined}>
        <input type="checkbox" checked={props.isChecked} onChange={props.onCheck} />
        <span className="builder-name" data-deprecated={props.isDeprecated}>
          {name}
          {props.isRequired && <span aria-label="required">*</span>}
        </span>
      </label>
      <span className="builder-type">{type}</span>
      {props.children}
    </div>
  );
}
