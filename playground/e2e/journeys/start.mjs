// Where journeys begin.
import assert from 'node:assert/strict';
import { ask } from '../page.mjs';

/** Takes away what journeys before have left. */
export async function clear(page, options) {
  // First of all: what they ask for cannot be dropped before them.
  const { savedQueries } = await ask(page, options, '{ savedQueries { name } }');
  for (const { name } of savedQueries.filter((query) => query.name.startsWith('journey'))) {
    await ask(page, options, 'mutation ($name: String!) { dropSavedQuery(name: $name) { name } }', {
      name,
    });
  }
  const { datasets } = await ask(page, options, '{ datasets { name } }');
  for (const { name } of datasets.filter((dataset) => dataset.name.startsWith('journey'))) {
    await ask(page, options, 'mutation ($name: String!) { dropDataset(dataset: $name) { id } }', {
      name,
    });
  }
}

/** Loads a file over HTTP, as a script does; gives the answer. */
export async function put({ url, key }, name, content, query = '') {
  const response = await fetch(`${url}/upload/${name}?wait=60&filename=${name}.csv${query}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${key}` },
    body: content,
  });
  return { status: response.status, answer: await response.json() };
}

/** A key of this scope, for as long as a journey takes. */
export async function keyOf(page, options, scope) {
  const { createKey } = await ask(
    page,
    options,
    'mutation ($name: String!, $scope: Scope) { createKey(name: $name, scope: $scope, days: 1) { key } }',
    { name: `journey of ${scope}`, scope },
  );
  assert.ok(createKey.key);
  return createKey.key;
}
