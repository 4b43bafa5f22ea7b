import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  Kind,
  OperationTypeNode,
  parse,
  print,
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { emptyValue, typeNode } from './values';

/** The names of fields from the root down to one field. */
export type FieldPath = readonly string[];

/** The document as a tree, null while it cannot be read; an empty one has no definitions. */
export function readDocument(text: string): DocumentNode | null {
  // A document of comments only is empty, which the grammar does not allow.
  const isEmpty = text.replaceAll(/^\s*#.*$/gm, '').trim() === '';
  if (isEmpty) return { kind: Kind.DOCUMENT, definitions: [] };
  try {
    return parse(text, { noLocation: true });
  } catch {
    return null;
  }
}

export function writeDocument(document: DocumentNode): string {
  return document.definitions.length === 0 ? '' : `${print(document)}\n`;
}

export function operationsIn(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [definition] : [],
  );
}

/** The first field of this name in a selection; the builder does not look into fragments. */
export function fieldNamed(
  selections: SelectionSetNode | undefined,
  name: string,
): FieldNode | undefined {
  return selections?.selections.find(
    (selection): selection is FieldNode =>
      selection.kind === Kind.FIELD && selection.name.value === name,
  );
}

/** Puts an operation in the place of another, or behind all where it is new. */
export function withOperation(
  document: DocumentNode,
  before: OperationDefinitionNode | undefined,
  after: OperationDefinitionNode,
): DocumentNode {
  const isEmpty = after.selectionSet.selections.length === 0;
  const replacement = isEmpty ? [] : [after];
  const definitions = before
    ? document.definitions.flatMap((other) => (other === before ? replacement : [other]))
    : [...document.definitions, ...replacement];
  return { ...document, definitions };
}

export function newOperation(kind: OperationTypeNode, name: string): OperationDefinitionNode {
  return {
    kind: Kind.OPERATION_DEFINITION,
    operation: kind,
    name: { kind: Kind.NAME, value: name },
    selectionSet: { kind: Kind.SELECTION_SET, selections: [] },
  };
}

/** Changes the field at the end of a path, and asks for those on the way that are not there yet. */
export function changeField(
  operation: OperationDefinitionNode,
  path: FieldPath,
  root: GraphQLNamedType,
  change: (
    field: FieldNode | undefined,
    definition: GraphQLField<unknown, unknown>,
  ) => FieldNode | null,
): OperationDefinitionNode {
  const selectionSet = changedSelection(operation.selectionSet, path, root, change);
  return withoutUnusedVariables({
    ...operation,
    selectionSet: selectionSet ?? { kind: Kind.SELECTION_SET, selections: [] },
  });
}

function changedSelection(
  selectionSet: SelectionSetNode | undefined,
  [name = '', ...rest]: FieldPath,
  parent: GraphQLNamedType,
  change: Parameters<typeof changeField>[3],
): SelectionSetNode | undefined {
  const definition = fieldsOf(parent)[name];
  if (!definition) return selectionSet;
  const before = fieldNamed(selectionSet, name);
  let after: FieldNode | null;
  if (rest.length === 0) {
    after = change(before, definition);
  } else {
    const way = before ?? bareField(definition);
    const inner = changedSelection(way.selectionSet, rest, getNamedType(definition.type), change);
    after = withSelection(way, inner);
  }
  const others = selectionSet?.selections ?? [];
  const selections: SelectionNode[] = before
    ? others.flatMap((other) => (other === before ? (after ?? []) : [other]))
    : [...others, ...(after ? [after] : [])];
  return selections.length === 0 ? undefined : { kind: Kind.SELECTION_SET, selections };
}

function withSelection(field: FieldNode, selectionSet: SelectionSetNode | undefined): FieldNode {
  if (selectionSet) return { ...field, selectionSet };
  const { kind, name, alias, arguments: given, directives } = field;
  return {
    kind,
    name,
    ...(alias && { alias }),
    ...(given && { arguments: given }),
    ...(directives && { directives }),
  };
}

/** Asks for a field that was not asked for, with something below it; or takes it away. */
export function toggled(
  field: FieldNode | undefined,
  definition: GraphQLField<unknown, unknown>,
): FieldNode | null {
  if (field) return null;
  return withSelection(bareField(definition), firstSelection(getNamedType(definition.type)));
}

/** The field with the arguments that it must have. */
function bareField(definition: GraphQLField<unknown, unknown>): FieldNode {
  const required = definition.args.filter(isRequiredArgument);
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: definition.name },
    ...(required.length > 0 && {
      arguments: required.map(({ name, type }) => argument(name, emptyValue(type))),
    }),
  };
}

const DEEPEST = 4;

/** Something to ask of a type, so that the document is valid at once: its id, or what comes first. */
function firstSelection(type: GraphQLNamedType, depth = 0): SelectionSetNode | undefined {
  if (!isCompositeType(type) || depth > DEEPEST) return undefined;
  const fields = Object.values(fieldsOf(type)).filter(({ args }) => !args.some(isRequiredArgument));
  const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
  const field = leaves.find(({ name }) => name === 'id') ?? leaves[0] ?? fields[0];
  const node = field
    ? withSelection(bareField(field), firstSelection(getNamedType(field.type), depth + 1))
    : { kind: Kind.FIELD as const, name: { kind: Kind.NAME as const, value: '__typename' } };
  return { kind: Kind.SELECTION_SET, selections: [node] };
}

export function fieldsOf(type: GraphQLNamedType): Record<string, GraphQLField<unknown, unknown>> {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
}

/** Gives an argument a value, or takes it away. */
export function withArgument(field: FieldNode, name: string, value: ValueNode | null): FieldNode {
  const before = field.arguments ?? [];
  const isThere = before.some((other) => other.name.value === name);
  const given = value === null ? [] : [argument(name, value)];
  return {
    ...field,
    arguments: isThere
      ? before.flatMap((other) => (other.name.value === name ? given : [other]))
      : [...before, ...given],
  };
}

function argument(name: string, value: ValueNode): ArgumentNode {
  return { kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: name }, value };
}

/** Declares a variable of this type with a default value; its name differs from all others. */
export function withVariable(
  operation: OperationDefinitionNode,
  wanted: string,
  type: GraphQLInputType,
  value: ValueNode,
): { operation: OperationDefinitionNode; name: string } {
  const definitions = operation.variableDefinitions ?? [];
  const taken = new Set(definitions.map(({ variable }) => variable.name.value));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}${number}`;
  return {
    name,
    operation: {
      ...operation,
      variableDefinitions: [
        ...definitions,
        {
          kind: Kind.VARIABLE_DEFINITION,
          variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } },
          type: typeNode(type),
          // A default has no variables in it.
          ...(!/\$\w/.test(print(value)) && { defaultValue: value as never }),
        },
      ],
    },
  };
}

/** A variable that nothing uses any more would make the document invalid. */
function withoutUnusedVariables(operation: OperationDefinitionNode): OperationDefinitionNode {
  const definitions = operation.variableDefinitions ?? [];
  if (definitions.length === 0) return operation;
  const text = print(operation.selectionSet);
  const hasFragments = text.includes('...');
  const used = definitions.filter(
    ({ variable }) => hasFragments || new RegExp(`\\$${variable.name.value}\\b`).test(text),
  );
  return { ...operation, variableDefinitions: used };
}
