import { nameOf, resolve, type OpenApi, type Schema } from './document';

/** Values that stand for their kind. */
const BY_FORMAT: Record<string, unknown> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T12:30:00Z',
  uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  uri: 'https://example.org/',
  double: 1.5,
};
/** Of what is chosen from, as many are named. */
const MAX_NAMED = 12;
/** What refers to itself is followed this far. */
const MAX_DEPTH = 5;

/** What values a schema takes, in a few words: `integer`, `list of Orders`, `string or null`. */
export function typeWords(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.oneOf) return schema.oneOf.map(typeWords).join(' or ');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  if (types.length === 0) return 'any';
  return types
    .map((type) => {
      if (type === 'array') return `list of ${schema.items ? typeWords(schema.items) : 'any'}`;
      return type !== 'null' && schema.format !== undefined ? `${type}, ${schema.format}` : type;
    })
    .join(' or ');
}

/** What else is known of the values: the only ones, or bounds. */
export function boundsWords(schema: Schema): string | null {
  const { enum: only, minimum, maximum } = schema.items ?? schema;
  if (only) {
    const more = only.length > MAX_NAMED ? ` and ${only.length - MAX_NAMED} more` : '';
    return only.slice(0, MAX_NAMED).map(String).join(', ') + more;
  }
  if (minimum === undefined && maximum === undefined) return null;
  if (maximum === undefined) return `${minimum ?? ''} or more`;
  return minimum === undefined ? `at most ${maximum}` : `${minimum} to ${maximum}`;
}

/** A value that the schema takes. */
export function exampleOf(document: OpenApi, given: Schema, depth = 0): unknown {
  const schema = resolve(document, given);
  const [first] = schema.examples ?? schema.enum ?? [];
  if (first !== undefined) return first;
  if (schema.oneOf?.[0]) return exampleOf(document, schema.oneOf[0], depth);
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  if (type === 'object' || schema.properties) {
    if (depth >= MAX_DEPTH) return {};
    const entries = Object.entries(schema.properties ?? {});
    return Object.fromEntries(
      entries.map(([name, property]) => [name, exampleOf(document, property, depth + 1)]),
    );
  }
  if (type === 'array') {
    return depth >= MAX_DEPTH || !schema.items
      ? []
      : [exampleOf(document, schema.items, depth + 1)];
  }
  if (schema.format !== undefined && BY_FORMAT[schema.format] !== undefined) {
    return BY_FORMAT[schema.format];
  }
  switch (type) {
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1);
    case 'boolean':
      return true;
    case 'string':
      return 'text';
    default:
      return null;
  }
}

/** The fields of what a schema describes, or of each of a list's entries; null where it has none. */
export function fieldsOf(document: OpenApi, given: Schema): [string, Schema, boolean][] | null {
  const schema = resolve(document, given);
  if (schema.items) return fieldsOf(document, schema.items);
  if (!schema.properties) return null;
  return Object.entries(schema.properties).map(([name, property]) => [
    name,
    property,
    schema.required?.includes(name) ?? false,
  ]);
}
