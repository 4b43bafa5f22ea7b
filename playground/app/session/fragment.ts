/** What a link into the playground may carry behind `#`; never sent to a server by the browser. */
export type FragmentCredential = { kind: 'token'; token: string } | { kind: 'key'; key: string };

/** The credential in a URL fragment such as `#token=…` or `#key=…`, if there is one. */
export function credentialInFragment(fragment: string): FragmentCredential | null {
  for (const part of fragment.replace(/^#/, '').split('&')) {
    const at = part.indexOf('=');
    const value = at < 0 ? '' : decoded(part.slice(at + 1));
    if (value === '') continue;
    const name = part.slice(0, at);
    if (name === 'token') return { kind: 'token', token: value };
    if (name === 'key') return { kind: 'key', key: value };
  }
  return null;
}

// Not URLSearchParams: it would turn a `+` of a base64 key into a space.
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
