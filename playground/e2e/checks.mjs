// The checks of the browser test, in the order they are run. Each gets a fresh page.
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { readFile } from 'node:fs/promises';

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
    await replaceText(headersEditor(page), '{ "X-Probe": "probe-value" }');
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

  'a link opens its query and leaves the address': async (page, { url, key }) => {
    await page.goto(`${url}/#key=${encodeURIComponent(key)}`);
    await executeButton(page).waitFor();
    const document = 'query Shared {\n  datasets {\n    name\n  }\n}';
    await page.goto(`${url}/graphiql#query=${encodeURIComponent(document)}`);
    await page.locator('.graphiql-tab-active').getByText('Shared').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    await runQuery(page, 'datasets');
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
    await page.getByRole('button', { name: 'Headers', exact: true }).click();
    await replaceText(headersEditor(page), '{ "X-Kept": "yes" }');
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
    // Headers are stored nowhere: they are there only if the editor never went away.
    await page.locator('.graphiql-editor-tool').getByText('"X-Kept"').waitFor();
    const { text } = await runQuery(page, 'datasets');
    assert.ok(text.includes(`"name": "${options.dataset}"`), text);
    await page.locator('.graphiql-tab-active').getByText('Kept').waitFor();
  },

  'the answer is shown as a table and given as CSV': async (page, options) => {
    const dataset = await openReadyQuery(page, options);
    const { rows } = await runQuery(page, dataset.listField);
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    const table = page.getByRole('table', { name: `Rows of ${dataset.listField}`, exact: true });
    const cell = table.getByRole('row').nth(1).getByRole('cell').first();
    assert.equal(await cell.innerText(), String(rows[0].id));
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ]);
    const lines = (await readFile(await file.path(), 'utf8')).split('\r\n');
    assert.equal(lines[0], Object.keys(rows[0]).join(','));
    assert.ok(lines[1].startsWith(`${rows[0].id},`), lines[1]);
  },

  'the grid shows rows, sorts and filters': async (page, options) => {
    const dataset = await openGrid(page, options);
    const table = page.getByRole('table', { name: `Rows of ${options.dataset}` });
    const cells = table.getByRole('row').nth(1).getByRole('cell');
    const id = await cells.first().innerText();

    // By the first column twice, so that the last row comes first.
    const header = table.getByRole('columnheader').first();
    for (const direction of ['ascending', 'descending']) {
      const sorted = rowsArrive(page);
      await header.getByRole('button').click();
      const { rows } = await sorted;
      await table.locator(`[aria-sort="${direction}"]`).waitFor();
      if (direction === 'descending' && Number(dataset.rowCount) > 1) {
        assert.notEqual(String(rows[0].id), id);
      }
    }
    assert.ok(new URL(page.url()).search.includes('sort'), 'the sort is not in the address');

    const filtered = rowsArrive(page);
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    const form = page.locator('.filter-form');
    await form.getByLabel('Column').selectOption('id');
    await form.getByLabel('Condition').selectOption({ label: 'is' });
    await form.getByLabel('Value').fill(id);
    await form.getByRole('button', { name: 'Apply' }).click();
    const { rows } = await filtered;
    assert.deepEqual(
      rows.map((row) => String(row.id)),
      [id],
    );
    await page.getByText(`1 row of`).waitFor();

    // Back and forth keep the view, as a shared address does.
    await page.reload();
    await page.getByText(`1 row of`).waitFor();
    await cells.first().getByText(id, { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Query', exact: true }).click();
    await page.locator('.graphiql-tab-active').getByText(`${dataset.typeName}View`).waitFor();
    const answer = await runQuery(page, dataset.listField);
    assert.equal(answer.rows.length, 1);
  },

  'the columns and the notices are told': async (page, options) => {
    const dataset = await openGrid(page, options);
    await page.getByRole('button', { name: 'Columns' }).first().click();
    const columns = page.getByRole('region', { name: 'Columns' });
    for (const { name, label } of dataset.columns.slice(0, 3)) {
      await columns.getByText(name, { exact: true }).first().waitFor();
      await columns.getByText(label, { exact: true }).first().waitFor();
    }
    await columns
      .getByText(/different/)
      .first()
      .waitFor();
    await assertAccessible(page, 'columns');
    await page.getByRole('button', { name: /^Notices/ }).click();
    await page.locator('[aria-label="Notices"], .nothing').waitFor();
    await assertAccessible(page, 'notices');
  },

  'a file is loaded, and replaced when asked': async (page, { url, key, faults }) => {
    await page.goto(`${url}/#key=${encodeURIComponent(key)}`);
    const card = page.getByRole('article', { name: 'sluicecheck.csv' });
    const upload = (content) =>
      page.locator('header input[type=file]').setInputFiles({
        name: 'sluicecheck.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(content),
      });
    const replace = card.getByRole('button', { name: 'Replace' });
    const open = card.getByRole('button', { name: 'Open' });

    await page.getByRole('button', { name: 'Upload' }).waitFor();
    await upload('id,name\n1,Ada\n2,Grace\n');
    // It may be there from a run before.
    await replace.or(open).waitFor();
    if (await replace.isVisible()) await replace.click();
    await open.waitFor();
    await card.getByRole('button', { name: 'Dismiss sluicecheck.csv' }).click();

    await upload('id,name\n1,Ada\n2,Grace\n3,Edsger\n');
    await replace.click();
    await open.click();
    await page.getByRole('heading', { name: 'sluicecheck' }).waitFor();
    // Chromium reports the refusal of the taken name itself as an error.
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('409')));
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
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await assertAccessible(page, 'GraphiQL, as a table, dark');
    await openGrid(page, options);
    await assertAccessible(page, 'grid, dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await assertAccessible(page, 'grid, light');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await assertAccessible(page, 'filter form');
  },

  'every screen fits 360 px': async (page, options) => {
    await page.setViewportSize({ width: 360, height: 720 });
    await openReadyQuery(page, options);
    await assertNoSidewaysScroll(page);
    await openGrid(page, options);
    await assertNoSidewaysScroll(page);
  },
};

/** The dataset as the catalog has it, asked for beside the page. */
async function catalogEntry(page, { url, key, dataset }) {
  const query =
    '{ datasets { name label listField typeName rowCount columns { name label type graphqlType } } }';
  const response = await page.request.post(`${url}/graphql`, {
    headers: { authorization: `Bearer ${key}` },
    data: { query },
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  const found = data.datasets.find(({ name }) => name === dataset);
  assert.ok(found, `there is no dataset ${dataset}`);
  return found;
}

/** Signs in and opens the dataset's ready query. */
async function openReadyQuery(page, options) {
  const { url, key, dataset } = options;
  const found = await catalogEntry(page, options);
  await page.goto(`${url}/#key=${encodeURIComponent(key)}`);
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

/** Signs in and opens the dataset's page by its address, and waits for rows. */
async function openGrid(page, options) {
  const { url, key, dataset } = options;
  const found = await catalogEntry(page, options);
  await page.goto(`${url}/datasets/${encodeURIComponent(dataset)}#key=${encodeURIComponent(key)}`);
  await page.locator('.grid-cell[data-kind=text]').first().waitFor();
  return found;
}

/** The next page of rows that the grid asks for. */
async function rowsArrive(page) {
  const response = await page.waitForResponse(
    (candidate) => candidate.request().postData()?.includes('PlaygroundRows') ?? false,
  );
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

function headersEditor(page) {
  return page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden)');
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
