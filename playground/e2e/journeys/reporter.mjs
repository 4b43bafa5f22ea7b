import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { openDocument } from '../page.mjs';
import { ordersCsv } from './files.mjs';
import { clear, put } from './start.mjs';

const DOCUMENT =
  'query journeyPaid($status: String!, $most: Int = 5) { journeyorders(where: {status: {_eq: $status}}, limit: $most) { id status } }';

export const journeys = {
  'a report: a query saved, run, given to a spreadsheet by a key for it alone, deleted': async (
    page,
    options,
  ) => {
    const { step, url } = options;
    await clear(page, options);
    assert.equal((await put(options, 'journeyorders', ordersCsv())).status, 200);

    step('the query is saved');
    await openDocument(page, options, DOCUMENT);
    await page.getByRole('button', { name: 'Save query' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('What is it for?').fill('orders that are paid');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.getByRole('link', { name: /^Run it/ }).click();

    step('it is run with variables');
    const card = page.getByRole('listitem', { name: 'Saved query journeyPaid' });
    await card.getByLabel('status').fill('paid');
    await card.getByLabel('most').fill('10');
    await card.getByRole('button', { name: 'Run', exact: true }).click();
    const answer = card.getByRole('region', { name: 'Answer of journeyPaid' });
    await answer.waitFor();
    const { journeyorders: rows } = JSON.parse(await answer.innerText());
    assert.equal(rows.length, 10);
    assert.ok(rows.every(({ status }) => status === 'paid'));

    step('its table is downloaded');
    const fetched = async (label) => {
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        card.getByRole('button', { name: `Download as ${label}` }).click(),
      ]);
      return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
    };
    const csv = await fetched('CSV');
    assert.equal(csv.name, 'journeyPaid.csv');
    assert.equal(csv.bytes.toString('utf8').trim().split('\r\n').length, 11);
    const excel = await fetched('Excel');
    assert.equal(excel.name, 'journeyPaid.xlsx');
    assert.equal(excel.bytes.toString('latin1', 0, 2), 'PK');

    step('a snippet is copied');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await card.getByText('Use it elsewhere').click();
    await card.getByRole('tab', { name: 'Python' }).click();
    const code = card.getByRole('region', { name: 'journeyPaid in Python' });
    await card.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).click();
    await card.getByRole('tabpanel').getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => window.navigator.clipboard.readText());
    assert.ok(copied.includes('/q/journeyPaid'), copied);
    assert.equal(copied.trim(), (await code.textContent()).trim());
    assert.ok(!copied.includes(options.key), 'the snippet holds the key');

    step('a key is made that can do just this');
    await page.getByRole('link', { name: 'Keys and people' }).click();
    await page.getByRole('button', { name: 'New key' }).click();
    await dialog.getByLabel('What is it for?').fill('journey sheet');
    assert.equal(await dialog.getByLabel('journeyPaid', { exact: true }).count(), 0);
    await dialog.getByLabel('What may it do?').selectOption('QUERY');
    await dialog.getByLabel('journeyPaid', { exact: true }).check();
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    const secret = await dialog.getByLabel('The new key').inputValue();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await page.getByText('runs journeyPaid').first().waitFor();
    const use = (path) => fetch(url + path, { headers: { 'x-api-key': secret } });
    assert.equal((await use('/q/journeyPaid.csv?status=paid')).status, 200);
    assert.deepEqual(
      (await (await use('/q')).json()).data.map(({ name }) => name),
      ['journeyPaid'],
    );
    assert.notEqual((await use('/snippets/journeyorders')).status, 200);

    step('it is deleted');
    await page.getByRole('link', { name: 'Saved queries' }).click();
    await page.getByRole('button', { name: 'Delete journeyPaid' }).click();
    const confirm = page.getByRole('alertdialog');
    await confirm.getByRole('button', { name: 'Delete it' }).click();
    await confirm.waitFor({ state: 'hidden' });
    await card.waitFor({ state: 'detached' });
    assert.equal((await use('/q/journeyPaid')).status, 404);
  },
};
