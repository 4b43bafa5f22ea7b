// What checks do with a page.
import assert from 'node:assert/strict';
import axe from 'axe-core';

/** Runs an operation beside the page. */
export async function ask(page, { url, key }, query, variables = {}) {
  const response = await page.request.post(`${url}/graphql`, {
    headers: { authorization: `Bearer ${key}` },
    data: { query, variables },
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** A key of this scope, made beside the page. */
export async function makeKey(page, options, variables) {
  const { createKey } = await ask(
    page,
    options,
    'mutation ($name: String!, $scope: Scope, $role: String, $claims: JSON, $workspace: String) { createKey(name: $name, scope: $scope, role: $role, claims: $claims, workspace: $workspace, days: 1) { key apiKey { prefix } } }',
    variables,
  );
  return createKey;
}

/** Loads a dataset beside the page, in the place of one of that name. */
export async function putDataset(page, { url, key }, name, content) {
  const response = await page.request.put(
    `${url}/upload/${name}?wait=60&onDrift=replace&filename=${name}.csv`,
    {
      headers: { authorization: `Bearer ${key}` },
      data: Buffer.from(content),
      timeout: 70_000,
    },
  );
  const answer = await response.json();
  assert.equal(answer.job?.status, 'SUCCEEDED', JSON.stringify(answer));
}

/** Signs in and opens the screen of this path. */
export async function openScreen(page, { url, key }, path) {
  const [address, search = ''] = path.split('?');
  await page.goto(`${url}${address}${search && `?${search}`}#key=${encodeURIComponent(key)}`);
  await page.locator('#datasets').waitFor({ state: 'attached' });
}

/** Takes back what the browser reports on its own account, such as a refused request. */
export function forgive(faults, ...words) {
  const left = faults.filter((fault) => !words.some((word) => fault.includes(word)));
  faults.splice(0, faults.length, ...left);
}

/** The dataset as the catalog has it, asked for beside the page. */
export async function catalogEntry(page, { url, key, dataset }) {
  const data = await ask(
    page,
    { url, key },
    '{ datasets { name label listField typeName rowCount columns { name label type graphqlType } } }',
  );
  const found = data.datasets.find(({ name }) => name === dataset);
  assert.ok(found, `there is no dataset ${dataset}`);
  return found;
}

/** Signs in and opens the dataset's ready query. */
export async function openReadyQuery(page, options) {
  const { url, key, dataset } = options;
  const found = await catalogEntry(page, options);
  await page.goto(`${url}/graphiql#key=${encodeURIComponent(key)}`);
  await executeButton(page).waitFor();
  const menu = page.getByRole('button', { name: 'Datasets', exact: true });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole('button', { name: `Ready query for ${dataset}` }).click();
  await page.locator('.graphiql-tab-active').getByText(found.typeName, { exact: true }).waitFor();
  await page
    .locator('.graphiql-query-editor .view-line')
    .filter({ hasText: 'limit:' })
    .first()
    .waitFor();
  return found;
}

/** Signs in and opens a document in the editor, by a link to it. */
export async function openDocument(page, { url, key }, document, variables) {
  await page.goto(`${url}/graphiql#key=${encodeURIComponent(key)}`);
  await executeButton(page).waitFor();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  const parts = [`query=${encodeURIComponent(document)}`];
  if (variables !== undefined) parts.push(`variables=${encodeURIComponent(variables)}`);
  await page.goto(`${url}/graphiql#${parts.join('&')}`);
  await page.waitForFunction(() => window.location.hash === '');
  // Monaco writes spaces as no-break spaces.
  const words = document.trim().split('\n')[0];
  const lines = page.locator('.graphiql-query-editor .view-lines');
  await lines
    .filter({ hasText: words.replaceAll(' ', '\u00a0') })
    .or(lines.filter({ hasText: words }))
    .first()
    .waitFor();
}

/** Signs in and opens the dataset's page by its address, and waits for rows. */
export async function openGrid(page, options) {
  const { url, key, dataset } = options;
  const found = await catalogEntry(page, options);
  await page.goto(`${url}/datasets/${encodeURIComponent(dataset)}#key=${encodeURIComponent(key)}`);
  await page.locator('.grid-cell[data-kind=text]').first().waitFor();
  return found;
}

/** The next rows that the grid asks for. */
export async function rowsArrive(page) {
  const response = await page.waitForResponse(
    (candidate) => candidate.request().postData()?.includes('PlaygroundRows') ?? false,
  );
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data.rows.nodes ?? data.rows;
}

export function headersEditor(page) {
  return page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden)');
}

export function executeButton(page) {
  return page.getByRole('button', { name: /^Execute query/ });
}

/** Runs what the active tab holds; gives the rows of a root field and what the page shows. */
export async function runQuery(page, rootField) {
  const answered = page.waitForResponse((response) => {
    const body = response.request().postData();
    return (
      response.url().endsWith('/graphql') &&
      body !== null &&
      !body.includes('Playground') &&
      !body.includes('IntrospectionQuery')
    );
  });
  await executeButton(page).click();
  const response = await answered;
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  const view = page.locator('.graphiql-response .view-lines');
  await view.filter({ hasText: `"${rootField}"` }).waitFor();
  // Monaco writes spaces as no-break spaces.
  const text = (await view.innerText()).replaceAll('\u00a0', ' ');
  const facts = await page.locator('.answer-facts').innerText();
  return { rows: data[rootField], text, facts, request: response.request() };
}

/** Replaces an editor's text by pasting: typing would have its brackets closed by the editor. */
export async function replaceText(editor, text) {
  await editor.locator('.view-lines').click();
  await editor.page().keyboard.press('ControlOrMeta+A');
  await editor.locator('textarea').evaluate((area, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }, text);
}

export async function assertAccessible(page, where) {
  // Injected as a script of the test's own, past the content security policy.
  await page.evaluate(`${axe.source}; undefined`);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ['violations'] }),
  );
  const faults = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map((node) => node.target.join(' '))
          .slice(0, 6)
          .join(', ')}`,
    );
  assert.deepEqual(faults, [], `${where}: ${faults.join('; ')}`);
}

export async function assertNoSidewaysScroll(page) {
  const [scroll, client] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(scroll <= client, `the page is ${scroll} px wide in a window of ${client} px`);
}

/** Makes a dataset of the check's own, new from its first version on. */
export async function makeDataset(page, options, name, csv) {
  const { datasets } = await ask(page, options, '{ datasets { name } }');
  if (datasets.some((dataset) => dataset.name === name)) {
    await ask(page, options, 'mutation ($name: String!) { dropDataset(dataset: $name) { name } }', {
      name,
    });
  }
  await putDataset(page, options, name, csv);
}

/** Signs in and opens a tab of a dataset's page by its address. */
export async function openTab(page, { url, key }, dataset, view) {
  await page.goto(
    `${url}/datasets/${encodeURIComponent(dataset)}?view=${view}#key=${encodeURIComponent(key)}`,
  );
  await page
    .locator(`[role=tabpanel][data-view=${view}] :is(.tab-page, .nothing)`)
    .first()
    .waitFor();
  await page.locator('[role=tabpanel] .busy').waitFor({ state: 'hidden' });
}
