import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { openReadyQuery, headersEditor, executeButton, runQuery, replaceText } from '../page.mjs';

export const checks = {
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
    await page.goto(`${url}/graphiql#key=${encodeURIComponent(key)}`);
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
    const table = page.getByRole('grid', { name: `Rows of ${dataset.listField}`, exact: true });
    const cell = table.getByRole('row').nth(1).getByRole('gridcell').first();
    assert.equal(await cell.innerText(), String(rows[0].id));
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ]);
    const lines = (await readFile(await file.path(), 'utf8')).split('\r\n');
    assert.equal(lines[0], Object.keys(rows[0]).join(','));
    assert.ok(lines[1].startsWith(`${rows[0].id},`), lines[1]);
  },
};
