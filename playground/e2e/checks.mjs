// The checks of the browser test, in the order they are run. Each gets a fresh page.
import assert from 'node:assert/strict';
import axe from 'axe-core';

export const checks = {
  'the sign-in link signs in and leaves the address': async (page, { url, key }) => {
    await page.goto(`${url}/#key=${encodeURIComponent(key)}`);
    await page.getByRole('navigation', { name: 'Datasets' }).waitFor();
    assert.equal(new URL(page.url()).hash, '');
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!stored.includes(key), 'the key is in localStorage');
    const inHistory = await page.evaluate(() => JSON.stringify(window.history.state));
    assert.ok(!String(inHistory).includes(key), 'the key is in the history');
  },

  'the ready query runs and its rows are shown': async (page, options) => {
    const dataset = await openReadyQuery(page, options);
    const { rows, text } = await runQuery(page, dataset.listField);
    assert.ok(rows.length > 0, 'no rows came back');
    assert.ok(
      text.includes(`"${dataset.listField}": [`),
      `the answer does not show the rows: ${text}`,
    );
    for (const [name, value] of Object.entries(rows[0]).slice(0, 2)) {
      const shown = `"${name}": ${JSON.stringify(value)}`;
      assert.ok(text.includes(shown), `the answer does not show ${shown}`);
    }
  },

  'headers are editable, sent, and not stored': async (page, options) => {
    const dataset = await openReadyQuery(page, options);
    await page.getByRole('button', { name: 'Headers', exact: true }).click();
    await replaceText(
      page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden)'),
      '{ "X-Probe": "probe-value" }',
    );
    const { request } = await runQuery(page, dataset.listField);
    assert.equal(request.headers()['x-probe'], 'probe-value');
    assert.equal(request.headers()['authorization'], `Bearer ${options.key}`);
    // GraphiQL writes its tabs half a second later, its history at once.
    await page.waitForFunction(() => localStorage.getItem('graphiql:queries') !== null);
    await page.waitForTimeout(800);
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!stored.includes('probe-value'), 'a header is in localStorage');
    assert.ok(!stored.includes(options.key), 'the key is in localStorage');
  },

  'the schema explorer shows the dataset': async (page, options) => {
    const dataset = await openReadyQuery(page, options);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page
      .locator('.graphiql-doc-explorer')
      .getByText(dataset.listField, { exact: true })
      .first()
      .waitFor();
  },

  'a visitor without a key is asked for one, a wrong key is refused': async (
    page,
    { url, key, faults },
  ) => {
    await page.goto(url);
    const field = page.getByLabel('API key');
    await field.fill('a-key-that-nobody-has');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    // Chromium reports the refusal itself as an error; nothing else may be wrong.
    await page.waitForTimeout(100);
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('401')));
    await field.fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Datasets' }).waitFor();
  },

  'a refused key asks to sign in again and keeps the work': async (page, options) => {
    await openReadyQuery(page, options);
    await replaceText(page.locator('.graphiql-query-editor'), 'query Kept { datasets { name } }');
    await page.route('**/graphql', (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/json',
        body: JSON.stringify({
          errors: [{ message: 'The key was revoked.', extensions: { code: 'UNAUTHENTICATED' } }],
        }),
      }),
    );
    await executeButton(page).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The key was revoked.').waitFor();
    await page.unroute('**/graphql');
    options.faults.splice(
      0,
      options.faults.length,
      ...options.faults.filter((fault) => !fault.includes('401')),
    );
    await dialog.getByLabel('API key').fill(options.key);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const { text } = await runQuery(page, 'datasets');
    assert.ok(text.includes(`"name": "${options.dataset}"`), text);
    await page.locator('.graphiql-tab-active').getByText('Kept').waitFor();
  },

  'no serious accessibility fault': async (page, options) => {
    await page.goto(options.url);
    await page.getByLabel('API key').waitFor();
    await assertAccessible(page, 'sign-in');
    const dataset = await openReadyQuery(page, options);
    await runQuery(page, dataset.listField);
    await assertAccessible(page, 'GraphiQL, light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(300);
    await assertAccessible(page, 'GraphiQL, dark');
  },

  'every screen fits 360 px': async (page, options) => {
    await page.setViewportSize({ width: 360, height: 720 });
    await openReadyQuery(page, options);
    await assertNoSidewaysScroll(page);
  },
};

/** Signs in, opens the dataset's ready query, and gives the dataset as the catalog has it. */
async function openReadyQuery(page, { url, key, dataset }) {
  const catalog = page.waitForResponse(
    (response) => response.request().postData()?.includes('PlaygroundDatasets') ?? false,
  );
  await page.goto(`${url}/#key=${encodeURIComponent(key)}`);
  const { data } = await (await catalog).json();
  const found = data.datasets.find(({ name }) => name === dataset);
  assert.ok(found, `there is no dataset ${dataset}`);
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

function executeButton(page) {
  return page.getByRole('button', { name: /^Execute query/ });
}

/** Runs what the active tab holds; gives the rows of a root field and what the page shows. */
async function runQuery(page, rootField) {
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
  return { rows: data[rootField], text, request: response.request() };
}

/** Replaces an editor's text by pasting: typing would have its brackets closed by the editor. */
async function replaceText(editor, text) {
  await editor.locator('.view-lines').click();
  await editor.page().keyboard.press('ControlOrMeta+A');
  await editor.locator('textarea').evaluate((area, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }, text);
}

async function assertAccessible(page, where) {
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

async function assertNoSidewaysScroll(page) {
  const [scroll, client] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(scroll <= client, `the page is ${scroll} px wide in a window of ${client} px`);
}
