import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import {
  ask,
  putDataset,
  openReadyQuery,
  openDocument,
  headersEditor,
  executeButton,
  runQuery,
  replaceText,
} from '../page.mjs';

/** A dataset of this room's own, with what charts and tables have to tell apart. */
const NAME = 'editorcheck';
const CSV = `id,day,kind,amount,note
1,2025-01-05,tea,10.50,""
2,2025-01-20,coffee,20.25,
3,2025-02-03,tea,5.00,=1+1
4,2025-02-11,coffee,7.75,plain
5,2025-03-02,tea,12.00,<script>
`;
const BY_MONTH = `query ByMonth {
  ${NAME}GroupBy(by: [{ column: DAY, truncate: MONTH }]) {
    keys { day }
    aggregate { count sum { amount } }
  }
}
`;

const load = (page, options) => putDataset(page, options, NAME, CSV);

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
    const { rows } = await runQuery(page, 'datasets');
    assert.ok(rows.some(({ name }) => name === options.dataset));
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

  'variables go with a link, and tabs are there after a reload': async (page, options) => {
    await load(page, options);
    const document = `query One($id: Int!) {\n  ${NAME}ByPk(id: $id) {\n    kind\n  }\n}`;
    await openDocument(page, options, document, '{ "id": 4 }');
    const { rows } = await runQuery(page, `${NAME}ByPk`);
    assert.equal(rows.kind, 'coffee');
    // GraphiQL writes its tabs half a second later.
    await page.waitForFunction(() => localStorage.getItem('graphiql:tabState')?.includes('One'));
    await page.waitForFunction(() => localStorage.getItem('graphiql:tabState').includes('id'));
    await page.reload();
    await page.locator('.graphiql-tab-active').getByText('One').waitFor();
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    assert.equal((await runQuery(page, `${NAME}ByPk`)).rows.kind, 'coffee');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy a link to this query' }).click();
    await page.getByRole('status').getByText('Copied').waitFor();
    const link = new URL(await page.evaluate(() => window.navigator.clipboard.readText()));
    assert.ok(link.hash.includes('variables='), link.href);
    assert.ok(!link.href.includes(options.key), 'the link holds the key');
  },

  'an answer is a table with exact values, nulls apart from empty text': async (page, options) => {
    await load(page, options);
    await openDocument(page, options, `{ ${NAME} { id amount note } }`);
    await runQuery(page, NAME);
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    const rows = page.locator('.answer-grid .grid-row');
    const cells = (row) => rows.nth(row).locator('.grid-cell').allInnerTexts();
    await rows.getByText('<script>').waitFor();
    assert.deepEqual(await cells(0), ['1', '10.50', 'empty']);
    assert.deepEqual(await cells(1), ['2', '20.25', 'null']);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ]);
    const csv = await readFile(await file.path(), 'utf8');
    assert.ok(csv.includes("3,5.00,'=1+1\r\n"), csv);
  },

  'groups are drawn as a chart, which can be changed and saved': async (page, options) => {
    await load(page, options);
    const charts = [];
    page.on('request', (request) => {
      if (/Chart-.*\.js/.test(request.url())) charts.push(request.url());
    });
    await openDocument(page, options, BY_MONTH);
    const { rows, facts } = await runQuery(page, `${NAME}GroupBy`);
    assert.equal(rows.length, 3);
    assert.match(facts, /\d+ ms.*cost \d+.*cache (HIT|MISS)/s);
    assert.equal(charts.length, 0, 'the charts were loaded before they were asked for');
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    await page.getByRole('img', { name: /^Line chart: .*keys\.day/ }).waitFor();
    await page.getByLabel('Y', { exact: true }).selectOption('aggregate.sum.amount');
    await page.getByRole('img', { name: /3 values from 12 to 30\.75/ }).waitFor();
    for (const [kind, name] of [
      ['Bar', /^Bar chart/],
      ['Area', /^Area chart/],
      ['Scatter', /^Scatter plot/],
      ['Pie', /^Pie chart/],
    ]) {
      await page.getByRole('button', { name: kind, exact: true }).click();
      await page.getByRole('img', { name }).waitFor();
    }
    await page.getByText('Data of the chart').click();
    const data = page.getByRole('region', { name: 'Data of the chart' });
    await data.getByRole('row', { name: '2025-01-01 30.75' }).waitFor();
    const begins = { SVG: '<svg', PNG: '\x89PNG' };
    for (const [type, begin] of Object.entries(begins)) {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Save the chart as ${type}` }).click(),
      ]);
      const content = await readFile(await file.path(), 'latin1');
      assert.ok(content.startsWith(begin), `${type}: ${content.slice(0, 40)}`);
      assert.ok(!content.includes('var(--'), 'a colour of the page is in the file by its name');
    }
  },

  'a subscription is live, keeps what it was told, and stops': async (page, options) => {
    await load(page, options);
    const document = `subscription Live { ${NAME}ByPk(id: 1) { amount } }`;
    await openDocument(page, options, document);
    await executeButton(page).click();
    const live = page.getByRole('region', { name: 'Subscription' });
    const answers = live.getByRole('list', { name: 'Answers' }).getByRole('button');
    const view = page.locator('.graphiql-response .view-lines');
    await view.getByText('10.50').waitFor();
    for (const [index, amount] of ['11.50', '12.50'].entries()) {
      const mutation = `mutation { update${NAME[0].toUpperCase() + NAME.slice(1)}ByPk(pkColumns: { id: 1 }, _set: { amount: "${amount}" }) { id } }`;
      await ask(page, options, mutation);
      await view.getByText(amount).waitFor();
      assert.equal(await answers.count(), index + 2);
    }
    await answers.first().click();
    await view.getByText('10.50').waitFor();
    await live.getByRole('button', { name: 'Follow the newest' }).click();
    await view.getByText('12.50').waitFor();
    await live.getByRole('button', { name: 'Stop' }).click();
    await live.getByText('Stopped').waitFor();
    await page.getByRole('button', { name: /^Execute query/ }).waitFor();
  },

  'an error is told with its code, its place and the request': async (page, options) => {
    await load(page, options);
    await openDocument(page, options, `{\n  ${NAME} { id nothing }\n}`);
    await executeButton(page).click();
    const errors = page.getByRole('alert', { name: 'Errors' });
    await errors.getByText('BAD_USER_INPUT').waitFor();
    await errors.getByText(/nothing/).waitFor();
    await errors.getByRole('button', { name: /^[0-9a-f]{16}$/ }).waitFor();
    await errors.getByRole('button', { name: 'line 2, column' }).click();
    await page.locator('.graphiql-query-editor .monaco-editor.focused').waitFor();
    // Chromium reports the refusal itself as an error.
    const { faults } = options;
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('400')));
  },

  'ready examples are made of the columns and run': async (page, options) => {
    await load(page, options);
    await openDocument(page, options, `{ ${NAME} { id } }`);
    for (const [title, field] of [
      ['Month by month', `${NAME}GroupBy`],
      ['Filter and sort', NAME],
      ['Page by page, by cursors', `${NAME}Connection`],
      ['One row by its key', `${NAME}ByPk`],
      ['Insert a row', `insertEditorcheckOne`],
    ]) {
      await page.getByRole('button', { name: 'Examples', exact: true }).click();
      const menu = page.getByRole('dialog', { name: 'Ready examples' });
      assert.equal(await menu.getByLabel('Examples for').inputValue(), NAME);
      await menu.getByRole('button', { name: title, exact: true }).click();
      await menu.waitFor({ state: 'hidden' });
      await runQuery(page, field);
    }
  },

  'a query is built by the keyboard alone': async (page, options) => {
    await load(page, options);
    await openDocument(page, options, `# nothing yet`);
    await page.getByRole('button', { name: 'Show Query Builder' }).click();
    await page.getByLabel('Search fields').fill(NAME);
    const check = async (name) => {
      const box = page.locator('.builder').getByRole('checkbox', { name, exact: true });
      await box.focus();
      await page.keyboard.press('Space');
      await page.waitForFunction((element) => element.checked, await box.elementHandle());
    };
    await check(NAME);
    await check('kind');
    await check('limit');
    await page.getByRole('textbox', { name: 'limit' }).fill('2');
    const { rows } = await runQuery(page, NAME);
    assert.deepEqual(rows, [
      { id: 1, kind: 'tea' },
      { id: 2, kind: 'coffee' },
    ]);
  },
};
