import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  parseType,
  parseValue,
  print,
  type GraphQLInputType,
  type ObjectFieldNode,
  type ObjectValueNode,
  type TypeNode,
  type ValueNode,
} from 'graphql';

/** The least value that a type takes, to begin with. */
export function emptyValue(type: GraphQLInputType): ValueNode {
  const inner = getNullableType(type);
  if (isListType(inner)) return { kind: Kind.LIST, values: [emptyValue(inner.ofType)] };
  if (isEnumType(inner)) {
    return { kind: Kind.ENUM, value: inner.getValues()[0]?.name ?? '' };
  }
  if (isInputObjectType(inner)) {
    const required = Object.values(inner.getFields()).filter(isRequiredInputField);
    return {
      kind: Kind.OBJECT,
      fields: required.map(({ name, type: of }) => objectField(name, emptyValue(of))),
    };
  }
  switch (inner.name) {
    case 'Int':
      return { kind: Kind.INT, value: '1' };
    case 'Float':
      return { kind: Kind.FLOAT, value: '0' };
    case 'Boolean':
      return { kind: Kind.BOOLEAN, value: true };
    case 'JSON':
      return { kind: Kind.OBJECT, fields: [] };
    default:
      return { kind: Kind.STRING, value: EXAMPLES[inner.name] ?? '' };
  }
}

/** Texts that are values of their type, so that what was just added is answered. */
const EXAMPLES: Record<string, string> = {
  BigInt: '0',
  Decimal: '0',
  Date: '2025-01-01',
  LocalTime: '12:00:00',
  LocalDateTime: '2025-01-01T12:00:00',
  DateTime: '2025-01-01T12:00:00Z',
  UUID: '00000000-0000-0000-0000-000000000000',
};

export function objectField(name: string, value: ValueNode): ObjectFieldNode {
  return { kind: Kind.OBJECT_FIELD, name: { kind: Kind.NAME, value: name }, value };
}

/** Gives a field of an input object a value, or takes it away. */
export function withObjectField(
  object: ObjectValueNode,
  name: string,
  value: ValueNode | null,
): ObjectValueNode {
  const isThere = object.fields.some((field) => field.name.value === name);
  const given = value === null ? [] : [objectField(name, value)];
  return {
    kind: Kind.OBJECT,
    fields: isThere
      ? object.fields.flatMap((field) => (field.name.value === name ? given : [field]))
      : [...object.fields, ...given],
  };
}

/** What stands in the text field of a scalar. */
export function scalarText(value: ValueNode): string {
  return value.kind === Kind.STRING ? value.value : print(value);
}

/** The value of a scalar type that a text stands for; null where it is none. */
export function scalarValue(typeName: string, text: string): ValueNode | null {
  switch (typeName) {
    case 'Int':
      return /^-?\d+$/.test(text) ? { kind: Kind.INT, value: text } : null;
    case 'Float':
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? { kind: Kind.FLOAT, value: text } : null;
    case 'JSON':
      try {
        return parseValue(text, { noLocation: true });
      } catch {
        return null;
      }
    default:
      return { kind: Kind.STRING, value: text };
  }
}

export function typeNode(type: GraphQLInputType): TypeNode {
  // Without the last `!`: the variable has a default value.
  const outer = isNonNullType(type) ? type.ofType : type;
  return parseType(String(outer), { noLocation: true });
}
