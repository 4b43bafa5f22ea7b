/** What a text field that wants a JSON object holds: nothing, an object, or a mistake in words. */
export type ObjectField =
  { value: Record<string, unknown> | null; problem: null } | { value: null; problem: string };

export function readObject(text: string): ObjectField {
  if (text.trim() === '') return { value: null, problem: null };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { value: null, problem: `This is not JSON: ${(error as Error).message}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { value: null, problem: 'It must be an object, such as { "team": "north" }.' };
  }
  return { value: value as Record<string, unknown>, problem: null };
}

/** The operators and connectives of a filter; other names are columns and relations. */
const CONNECTIVES = ['_and', '_or', '_not'];
const OPERATORS =
  /^_(eq|neq|gt|gte|lt|lte|in|nin|isNull|like|nlike|ilike|nilike|startsWith|endsWith|contains|istartsWith|iendsWith|icontains|similar|nsimilar|regex|nregex|iregex|niregex|hasKey|hasKeysAny|hasKeysAll|containedIn)$/;

/**
 * Names in a filter that the dataset does not have, with the nearest that it has; the server says
 * the same when the policy is set. `fields` are the columns and relations.
 */
export function strangersIn(filter: Record<string, unknown>, fields: readonly string[]): string[] {
  const strangers: string[] = [];
  for (const [name, value] of Object.entries(filter)) {
    if (CONNECTIVES.includes(name)) {
      for (const part of [value].flat()) {
        if (typeof part === 'object' && part !== null) {
          strangers.push(...strangersIn(part as Record<string, unknown>, fields));
        }
      }
    } else if (!fields.includes(name)) {
      const near = fields.find((field) => field.toLowerCase() === name.toLowerCase());
      strangers.push(near === undefined ? name : `${name} (did you mean ${near}?)`);
    } else if (typeof value !== 'object' || value === null) {
      strangers.push(`${name} needs an operator, such as { "_eq": ${JSON.stringify(value)} }`);
    } else {
      // Below a relation stand the other dataset's fields, which the server knows.
      const inner = Object.keys(value);
      const areOperators = inner.some((key) => OPERATORS.test(key));
      if (areOperators) {
        strangers.push(
          ...inner.filter((key) => !OPERATORS.test(key)).map((key) => `${name}.${key}`),
        );
      }
    }
  }
  return strangers;
}
