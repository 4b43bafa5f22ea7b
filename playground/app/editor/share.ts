/** A document and the variables that go with it, as text. */
export interface SharedQuery {
  document: string;
  variables?: string;
}

/**
 * The address that opens a query. All of it stands behind `#`, which no server sees; headers, which
 * may hold a key, are never part of it.
 */
export function linkTo(origin: string, { document, variables = '' }: SharedQuery): string {
  const parts = [`query=${encodeURIComponent(document)}`];
  if (variables.trim() !== '' && variables.trim() !== '{}') {
    parts.push(`variables=${encodeURIComponent(variables)}`);
  }
  return `${origin}/graphiql#${parts.join('&')}`;
}

/** The query in a URL fragment made by `linkTo`, if there is one. */
export function queryInFragment(fragment: string): SharedQuery | null {
  if (!fragment.startsWith('#query=')) return null;
  const parts = new Map<string, string>();
  try {
    for (const part of fragment.slice(1).split('&')) {
      const at = part.indexOf('=');
      parts.set(part.slice(0, at), decodeURIComponent(part.slice(at + 1)));
    }
  } catch {
    return null;
  }
  const document = parts.get('query') ?? '';
  const variables = parts.get('variables');
  if (document === '') return null;
  return { document, ...(variables !== undefined && { variables }) };
}

/** A shell command that runs the operation; it takes the key from the environment. */
export function curlFor(
  origin: string,
  operation: { query: string; variables?: unknown; operationName?: string },
): string {
  return [
    `curl ${quoted(`${origin}/graphql`)}`,
    `-H "Authorization: Bearer $SLUICE_KEY"`,
    `-H 'Content-Type: application/json'`,
    `--data-raw ${quoted(JSON.stringify(operation))}`,
  ].join(' \\\n  ');
}

/** A word for a POSIX shell: nothing in single quotes is special but their end. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
