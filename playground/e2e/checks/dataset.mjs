import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ask, assertAccessible, makeDataset, openGrid, openTab } from '../page.mjs';

export const checks = {
  'a dataset has a tab for everything, each with its address': async (page, options) => {
    await openGrid(page, options);
    const tab = (name) => page.getByRole('tab', { name: new RegExp(`^${name}`) });
    // By keys alone: along the list, then into the tab.
    await tab('Columns').waitFor();
    await tab('Rows').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('[role=tab]:focus').getByText('Columns').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Columns' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('view'), 'columns');
    for (const name of [
      'Notices',
      'Rejects',
      'Relations',
      'Versions',
      'Indexes',
      'Tools',
      'Settings',
    ]) {
      await tab(name).click();
      await page.locator(`[role=tabpanel][data-view=${name.toLowerCase()}]`).waitFor();
    }
    await page.reload();
    await page.getByRole('heading', { name: 'Danger zone' }).waitFor();
    await page.goBack();
    await page.locator('[role=tabpanel][data-view=tools]').waitFor();
  },

  'code for other tools is there to be copied, and holds no key': async (page, options) => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await openTab(page, options, options.dataset, 'tools');
    const copied = () => page.evaluate(() => window.navigator.clipboard.readText());
    for (const [tool, word] of [
      ['curl', '/graphql'],
      ['Apollo Client', '@apollo/client'],
      ['Python', 'import pandas'],
      ['Excel', 'Csv.Document'],
      ['Google Sheets', 'function loadRows'],
    ]) {
      await page.getByRole('tab', { name: tool, exact: true }).click();
      const code = page.getByRole('region', { name: `The rows in ${tool}` });
      await code.waitFor();
      await page.getByRole('button', { name: 'Copy', exact: true }).click();
      await page.getByRole('button', { name: 'Copied', exact: true }).waitFor();
      const text = await copied();
      assert.ok(text.includes(word) && text.includes(options.dataset), text);
      assert.ok(text.includes(new URL(options.url).host) && !text.includes(options.key), text);
    }
    // By keys alone.
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('region', { name: 'The rows in Excel' }).waitFor();
    await page.getByRole('link', { name: `All routes of ${options.dataset}` }).click();
    await page.getByRole('heading', { name: 'API reference' }).waitFor();
    await page.getByRole('heading', { name: options.dataset, exact: true }).waitFor();
  },

  'columns tell their types, evidence and values': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', numbers(300));
    await openTab(page, options, 'tabscheck', 'columns');
    const row = (label) =>
      page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: label }) });
    await row('Amount')
      .getByRole('img', { name: /^Histogram of Amount/ })
      .waitFor();
    await row('Day')
      .getByRole('img', { name: /^Histogram of Day/ })
      .waitFor();
    await row('Amount').getByText('What was found').click();
    await row('Amount')
      .getByText(/decimal 300/)
      .waitFor();
    // A value leads to its rows.
    await row('Kind').getByRole('button', { name: /^a/ }).click();
    await page.locator('[role=tabpanel][data-view=rows]').waitFor();
    assert.ok(new URL(page.url()).search.includes('filters'));
  },

  'a column is corrected, and what would be lost is shown before': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', 'name,size\na,1\nb,n.v.\nc,3\n');
    await openTab(page, options, 'tabscheck', 'columns');
    await page.getByRole('button', { name: 'Edit size' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Type').selectOption('INT');
    await dialog.getByLabel('Field name').fill('pieces');
    await dialog.getByLabel('Description').fill('How many there are.');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('1 row would not fit any more.').waitFor();
    await dialog.getByRole('cell', { name: 'n.v.', exact: true }).waitFor();
    await assertAccessible(page, 'what would be lost');
    await dialog.getByRole('button', { name: /^Change it and set 1 row aside/ }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('How many there are.').waitFor();
    await page.getByText('pieces', { exact: true }).waitFor();

    // The row that was set aside is corrected and comes back.
    await page.getByRole('tab', { name: /^Rejects/ }).click();
    const rejects = page.getByRole('list', { name: 'Rejects' });
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download as CSV' }).click(),
    ]);
    assert.ok((await readFile(await file.path(), 'utf8')).includes('n.v.'));
    await rejects.getByLabel('size').fill('two');
    await page.getByRole('button', { name: 'Admit 1 corrected row' }).click();
    await rejects.getByText(/"two" is not a whole number/).waitFor();
    await rejects.getByLabel('size').fill('2');
    await page.getByRole('button', { name: 'Admit 1 corrected row' }).click();
    await page.getByText('1 row admitted').waitFor();
    const { dataset } = await ask(
      page,
      options,
      '{ dataset(name: "tabscheck") { rowCount rejectCount columns { name type } } }',
    );
    assert.equal(dataset.rowCount, '3');
    assert.equal(dataset.rejectCount, '0');
    assert.ok(dataset.columns.some(({ name, type }) => name === 'pieces' && type === 'INT'));
  },

  'rejects are found on whichever page they are': async (page, options) => {
    const lines = Array.from({ length: 250 }, (_, n) => `row${n},no${n}\n`).join('');
    await makeDataset(page, options, 'tabscheck', `name,size\na,1\n${lines}`);
    await ask(
      page,
      options,
      'mutation { alterColumn(dataset: "tabscheck", column: "size", type: INT, allowLoss: true, wait: 30) { job { status } } }',
    );
    await openTab(page, options, 'tabscheck', 'rejects');
    const entries = page.getByRole('list', { name: 'Rejects' }).getByRole('listitem');
    await page.getByText('1 to 100 of 250').waitFor();
    await page.getByRole('searchbox', { name: 'Search the rejects' }).fill('no249');
    await page.getByText('1 found in all 250 rejects.').waitFor();
    await entries.getByText(/"no249" is not/).waitFor();
    assert.equal(await entries.count(), 1);
    await page.getByRole('searchbox', { name: 'Search the rejects' }).fill('no1');
    await page.getByText('111 found in all 250 rejects.').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('101 to 111 of 111').waitFor();
    assert.equal(await entries.count(), 11);
  },

  'the key is chosen': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', 'code,kind\nx,a\ny,a\n');
    await openTab(page, options, 'tabscheck', 'columns');
    await page.getByRole('button', { name: 'Choose the key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Column').selectOption('kind');
    await dialog.getByRole('button', { name: 'Set the key' }).click();
    await dialog.getByText(/cannot be the key/).waitFor();
    await dialog.getByLabel('Column').selectOption('code');
    await dialog.getByRole('button', { name: 'Set the key' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('the column code').waitFor();
  },

  'a relation that the data suggest is accepted, and drawn': async (page, options) => {
    const ids = Array.from({ length: 40 }, (_, index) => index + 1);
    await makeDataset(
      page,
      options,
      'tabschecks',
      `id,city\n${ids.map((id) => `${id},c${id}\n`).join('')}`,
    );
    await makeDataset(
      page,
      options,
      'tabscheck',
      `nr,tabscheck_id\n${ids.map((id) => `n${id},${((id * 7) % 40) + 1}\n`).join('')}`,
    );
    await openTab(page, options, 'tabscheck', 'relations');
    await page
      .getByRole('button', { name: 'Accept tabscheck.tabscheckId to tabschecks.id' })
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Field of tabscheck, to the one row/).fill('place');
    await dialog.getByRole('button', { name: 'Declare the relation' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const declared = page.getByRole('list', { name: 'Declared relations' });
    await declared.getByText('tabscheck.tabscheckId').waitFor();
    const { tabscheck } = await ask(page, options, '{ tabscheck(limit: 1) { place { city } } }');
    assert.equal(tabscheck[0].place.city, 'c8');

    await page.getByRole('link', { name: 'Picture of all datasets' }).click();
    await page.waitForURL('**/relations');
    const picture = page.getByRole('region', { name: 'Picture of datasets and relations' });
    await picture.getByRole('link', { name: /^tabscheck\b/ }).waitFor();
    await assertAccessible(page, 'picture of relations');
    await picture.getByRole('link', { name: /^tabschecks/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'tabschecks' }).waitFor();
    await page.getByRole('button', { name: 'Drop the relation place' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Drop the relation' }).click();
    await page.getByText('None. A relation gives rows').waitFor();
  },

  'versions are compared, looked at and brought back': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', 'id,name\n1,a\n2,b\n3,c\n');
    await ask(
      page,
      options,
      'mutation { u: updateTabscheckByPk(pkColumns: {id: 2}, _set: {name: "B"}) { id } d: deleteTabscheckByPk(id: 3) { id } i: insertTabscheckOne(object: {id: 4, name: "d"}) { id } }',
    );
    await openTab(page, options, 'tabscheck', 'versions');
    await page.getByRole('button', { name: 'Compare with now: version 1', exact: true }).click();
    const diff = page.getByRole('region', { name: /^Rows that differ/ });
    await diff.getByRole('rowheader', { name: 'updated 2' }).waitFor();
    await diff.getByRole('rowheader', { name: 'deleted 3' }).waitFor();
    await diff.getByRole('rowheader', { name: 'inserted 4' }).waitFor();
    assert.equal(await diff.locator('del').first().innerText(), 'b');
    assert.equal(await diff.locator('ins').first().innerText(), 'B');
    assert.ok(new URL(page.url()).search.includes('diff'));
    await assertAccessible(page, 'diff of versions');
    await page.getByRole('button', { name: 'All versions' }).click();
    await page.getByRole('button', { name: 'Rows of version 1', exact: true }).click();
    await page.locator('[role=tabpanel][data-view=rows]').waitFor();
    assert.equal(new URL(page.url()).searchParams.get('asOf'), '1');
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByRole('button', { name: 'Bring back version 1', exact: true }).click();
    const dialog = page.getByRole('alertdialog');
    await assertAccessible(page, 'confirmation of a revert');
    await dialog.getByRole('button', { name: 'Bring back version 1' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('Earlier version brought back').waitFor();
    const { tabscheck } = await ask(page, options, '{ tabscheck { id name } }');
    assert.deepEqual(
      tabscheck.map(({ name }) => name),
      ['a', 'b', 'c'],
    );
  },

  'indexes are built and dropped': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', numbers(50));
    await openTab(page, options, 'tabscheck', 'indexes');
    await page.getByRole('button', { name: 'Build an index' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Column').selectOption('kind');
    await dialog.getByLabel('Then by').selectOption('amount');
    await dialog.getByLabel('descending').nth(1).check();
    await assertAccessible(page, 'index form');
    await dialog.getByRole('button', { name: 'Build the index' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const index = page.getByRole('rowheader', { name: 'kind, amount descending' });
    await index.waitFor();
    await page.getByRole('button', { name: 'Build a search index' }).click();
    await page.getByRole('cell', { name: 'by words' }).waitFor();
    await page.getByRole('button', { name: 'Drop the index of kind, amount descending' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Drop the index' }).click();
    await index.waitFor({ state: 'hidden' });
  },

  'a dataset is described, renamed, copied, read anew, emptied and dropped': async (
    page,
    options,
  ) => {
    const names = ['tabscheckCopy', 'tabscheckNew'];
    for (const name of names) await makeDataset(page, options, name, 'id\n1\n');
    for (const name of names) {
      await ask(page, options, `mutation { dropDataset(dataset: "${name}") { name } }`);
    }
    await makeDataset(page, options, 'tabscheck', 'id,when\n1,03/04/2024\n2,05/06/2024\n');
    await openTab(page, options, 'tabscheck', 'settings');
    await page.getByRole('textbox', { name: 'Description' }).fill('Of a check.');
    await page.getByRole('button', { name: 'Save the description' }).click();
    await page.getByText('Saved.').waitFor();

    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('tabscheckNew');
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('heading', { name: 'tabscheckNew' }).waitFor();
    await page.getByRole('button', { name: 'Drop the old name tabscheck' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Drop the old name' }).click();
    await page
      .getByRole('heading', { name: 'Old names that it still answers to' })
      .waitFor({ state: 'hidden' });

    await page.getByLabel('Dates like 03/04/2024').selectOption('DMY');
    await page.getByRole('button', { name: 'Read the file anew' }).click();
    await page.getByText('Done: version').waitFor();

    await page.getByLabel('Name of the copy').fill('tabscheckCopy');
    await page.getByRole('button', { name: 'Make a copy' }).click();
    await page.getByRole('heading', { name: 'tabscheckCopy' }).waitFor();
    const { tabscheckCopy } = await ask(page, options, '{ tabscheckCopy { when } }');
    assert.equal(tabscheckCopy[0].when, '2024-04-03');

    await page.getByRole('tab', { name: 'Settings' }).click();
    const dialog = page.getByRole('alertdialog');
    await page.getByRole('button', { name: 'Remove all rows' }).click();
    await dialog.getByRole('button', { name: 'Remove all rows' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('0 rows, version 2').waitFor();
    await page.getByRole('button', { name: 'Drop the dataset' }).click();
    const drop = dialog.getByRole('button', { name: 'Drop the dataset' });
    assert.ok(await drop.isDisabled(), 'it can be dropped without its name');
    await dialog.getByLabel('Type tabscheckCopy to confirm').fill('tabscheckCopy');
    await drop.click();
    await page.waitForURL(`${options.url}/`);
    await page.getByRole('link', { name: /^tabscheckCopy/ }).waitFor({ state: 'detached' });
  },

  'a webhook shows its secret once': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', 'id\n1\n');
    await openTab(page, options, 'tabscheck', 'webhooks');
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Address').fill('http://127.0.0.1/hook');
    await dialog.getByRole('button', { name: 'Add the webhook' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Address').fill('https://example.com/hook');
    await dialog.getByLabel('A load has failed').uncheck();
    await dialog.getByRole('button', { name: 'Add the webhook' }).click();
    await dialog.getByText(/^whsec_/).waitFor();
    await assertAccessible(page, 'secret of a webhook');
    await dialog.getByRole('button', { name: 'I have it' }).click();
    const card = page.getByRole('list', { name: 'Webhooks' }).getByRole('listitem').first();
    await card.getByText('https://example.com/hook').waitFor();
    assert.equal(await page.getByText(/^whsec_/).count(), 0);
    await card.getByRole('button', { name: 'Disable' }).click();
    await card.getByText('disabled', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Deliveries' }).click();
    await card.getByText('Nothing has happened yet').waitFor();
    await card.getByRole('button', { name: 'Drop' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Drop the webhook' }).click();
    await page.getByText('Nobody is told yet.').waitFor();
    // Chromium reports the refusal of the private address itself as an error.
    const { faults } = options;
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('400')));
  },

  'who may only read sees nothing that changes': async (page, options) => {
    await makeDataset(page, options, 'tabscheck', 'id,name\n1,a\n');
    const { createKey } = await ask(
      page,
      options,
      'mutation { createKey(name: "tabs check", scope: READ, days: 1) { key apiKey { prefix } } }',
    );
    const reader = { ...options, key: createKey.key };
    for (const view of ['columns', 'notices', 'relations', 'versions', 'indexes']) {
      await openTab(page, reader, 'tabscheck', view);
      const buttons = page.locator('[role=tabpanel]').getByRole('button');
      assert.deepEqual(await buttons.allInnerTexts(), [], view);
    }
    assert.deepEqual(
      (await page.getByRole('tab').allInnerTexts()).map((name) => name.split('\n')[0]),
      ['Rows', 'Columns', 'Notices', 'Relations', 'Versions', 'Indexes', 'Tools'],
    );
    await openTab(page, reader, 'tabscheck', 'settings');
    await page.getByText('This needs the scope upload').waitFor();
    await ask(
      page,
      options,
      `mutation { revokeKey(prefix: "${createKey.apiKey.prefix}") { prefix } }`,
    );
  },
};

/** A table with a decimal, a date and a text of few values. */
function numbers(nRows) {
  const rows = Array.from({ length: nRows }, (_, index) => {
    const day = new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);
    return `${index + 1},${(index * 1.25).toFixed(2)},${day},${'abc'[index % 3]}\n`;
  });
  return `id,Amount,Day,Kind\n${rows.join('')}`;
}
