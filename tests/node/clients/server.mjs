// Where the server is that the clients speak to: told by the Rust test that starts it.
export const base = process.env.SLUICE_URL;
export const key = process.env.SLUICE_KEY;
if (!base || !key) {
  throw new Error('set SLUICE_URL and SLUICE_KEY, or run the Rust test clients::…');
}

export const url = `${base}/graphql`;
export const headers = { authorization: `Bearer ${key}` };

/** The schema as the server prints it. */
export async function sdl() {
  const response = await fetch(`${base}/schema.graphql`, { headers });
  if (!response.ok) throw new Error(`schema.graphql: ${response.status}`);
  return response.text();
}

/** The answer to a query, of which every error is one here. */
export async function ask(query, variables = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
