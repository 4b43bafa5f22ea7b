import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ask, executeButton, openScreen } from '../page.mjs';
import { BOOK, dropFiles, ordersCsv, workbook } from './files.mjs';
import { clear } from './start.mjs';

const LOAD_TIMEOUT_MS = 900_000;

export const journeys = {
  'an analyst: three files dropped, corrected, related, edited, asked, drawn, given away': async (
    page,
    options,
  ) => {
    const { step, url } = options;
    await clear(page, options);
    await openScreen(page, options, '/');
    await page.getByRole('button', { name: 'Upload' }).waitFor();

    step('three files are dropped');
    await dropFiles(page, {
      'journeyorders.csv': { content: ordersCsv() },
      'journeybook.xlsx': { content: workbook(BOOK) },
      'journeylarge.csv': { content: ordersCsv(10_000), size: options.megabytes * 1_000_000 },
    });
    const card = (name) => page.getByRole('article', { name });
    const isLoaded = (name) =>
      card(name).getByRole('button', { name: 'Open' }).waitFor({ timeout: LOAD_TIMEOUT_MS });
    await isLoaded('journeyorders.csv');
    await card('journeybook.xlsx')
      .getByRole('list', { name: 'Loaded datasets' })
      .getByRole('link', { name: 'journeybookCities' })
      .waitFor({ timeout: LOAD_TIMEOUT_MS });
    step('the large one is followed to its end');
    await isLoaded('journeylarge.csv');
    const { datasets } = await ask(page, options, '{ datasets { name rowCount } }');
    const count = (name) => Number(datasets.find((dataset) => dataset.name === name)?.rowCount);
    assert.equal(count('journeyorders'), 400);
    assert.equal(count('journeybookCustomers'), 40);
    assert.equal(count('journeybookCities'), 7);
    assert.ok(count('journeylarge') >= options.megabytes * 20_000, `${count('journeylarge')} rows`);

    step('the type that was inferred wrong is corrected');
    await card('journeyorders.csv').getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'journeyorders' }).waitFor();
    await page.getByRole('button', { name: /^Dismiss \d loaded/ }).click();
    await page.getByRole('tab', { name: /^Columns/ }).click();
    await page.getByRole('button', { name: 'Edit total' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Type').selectOption('DECIMAL');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('2 rows would not fit any more.').waitFor();
    await dialog.getByRole('button', { name: /^Change it and set 2 rows aside/ }).click();
    await dialog.waitFor({ state: 'hidden' });

    step('a relation that the data suggest is accepted');
    await page.getByRole('tab', { name: /^Relations/ }).click();
    await page
      .getByRole('button', {
        name: 'Accept journeyorders.journeybookCustomerId to journeybookCustomers.id',
      })
      .click();
    await dialog.getByRole('button', { name: 'Declare the relation' }).click();
    await dialog.waitFor({ state: 'hidden' });

    step('rows are filtered');
    await page.getByRole('tab', { name: /^Rows/ }).click();
    const grid = page.getByRole('grid', { name: 'Rows of journeyorders' });
    await grid.locator('.grid-cell[data-kind=text]').first().waitFor();
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    const form = page.locator('.filter-form');
    await form.getByLabel('Column').selectOption('status');
    await form.getByLabel('Condition').selectOption({ label: 'is' });
    await form.getByLabel('Value').fill('paid');
    await form.getByRole('button', { name: 'Apply' }).click();
    await page.getByText(/\d+ rows of/).waitFor();

    step('a cell is edited, and the edit undone');
    const cell = grid.locator('[data-row="0"] .grid-cell', { hasText: /^paid$/ });
    await cell.dblclick();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('returned');
    await page.keyboard.press('Enter');
    await grid.locator('[data-row="0"]').getByText('returned', { exact: true }).waitFor();
    // The cell shows it at once; that it is kept is said.
    await page.getByText(/of row 1 changed\./).waitFor();
    const returned =
      '{ r: journeyordersAggregate(where: {status: {_eq: "returned"}}) { aggregate { count } } }';
    assert.equal((await ask(page, options, returned)).r.aggregate.count, 1);
    await page.getByRole('button', { name: /^Undo: status/i }).click();
    await grid.locator('[data-row="0"]').getByText('paid', { exact: true }).waitFor();
    await page.getByText(/of row 1: undone\./).waitFor();
    assert.equal((await ask(page, options, returned)).r.aggregate.count, 0);

    step('a ready example is asked in GraphiQL');
    await page.getByRole('link', { name: 'GraphiQL', exact: true }).click();
    await executeButton(page).waitFor();
    await page.getByRole('button', { name: 'Examples', exact: true }).click();
    const menu = page.getByRole('dialog', { name: 'Ready examples' });
    await menu.getByLabel('Examples for').selectOption('journeyorders');
    await menu.getByRole('button', { name: 'Month by month' }).click();
    await page.locator('.graphiql-tab-active').getByText('JourneyordersByMonth').waitFor();
    await executeButton(page).click();
    await page.locator('.answer-facts').getByText(/cache/).waitFor();

    step('the answer is drawn and saved');
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    await page.getByRole('img', { name: /^Line chart: .*keys\.day/ }).waitFor();
    const [png] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save the chart as PNG' }).click(),
    ]);
    assert.equal((await readFile(await png.path(), 'latin1')).slice(1, 4), 'PNG');

    step('the answer is downloaded');
    const [csv] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ]);
    const lines = (await readFile(await csv.path(), 'utf8')).trim().split('\r\n');
    assert.ok(lines[0].startsWith('keys.day,aggregate.count'), lines[0]);
    assert.ok(lines.length > 9, `${lines.length} lines`);

    step('a key is made');
    await page.getByRole('link', { name: 'Keys and people' }).click();
    await page.getByRole('button', { name: 'New key' }).click();
    const name = `journey ${Date.now().toString(36)}`;
    await dialog.getByLabel('What is it for?').fill(name);
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    const secret = await dialog.getByLabel('The new key').inputValue();
    await dialog.getByRole('button', { name: 'Done' }).click();

    step('the key is used over HTTP, as curl would');
    const use = () =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'x-api-key': secret, 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ journeyorders(limit: 1) { total } }' }),
      });
    const answer = await (await use()).json();
    assert.equal(answer.data.journeyorders[0].total, '7.01');

    step('the key is revoked');
    await page.getByRole('button', { name: `Revoke ${name}` }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByRole('alertdialog').waitFor({ state: 'hidden' });
    assert.equal((await use()).status, 401);
  },
};
