/** The address that opens a document. It stands behind `#`, which no server sees, and has no key. */
export function linkTo(origin: string, document: string): string {
  return `${origin}/graphiql#query=${encodeURIComponent(document)}`;
}

/** The document in a URL fragment made by `linkTo`, if there is one. */
export function documentInFragment(fragment: string): string | null {
  const encoded = /^#query=(.+)$/s.exec(fragment)?.[1];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
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
