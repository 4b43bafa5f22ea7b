import assert from 'node:assert/strict';
import { ask, assertAccessible, forgive, makeKey, openScreen, putDataset } from '../page.mjs';

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

  'a visitor without a key is asked for one, a wrong key is refused': async (
    page,
    { url, key, faults },
  ) => {
    await page.goto(url);
    const field = page.getByLabel('API key');
    // The browser itself reports that nobody may read here without a key.
    forgive(faults, '401');
    await field.fill('a-key-that-nobody-has');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    // Chromium reports the refusal itself as an error; nothing else may be wrong.
    await page.waitForTimeout(100);
    forgive(faults, '401');
    await field.fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Datasets' }).waitFor();
  },

  'what is public is read without a key, and not changed': async (page, options) => {
    const { workspace } = await ask(page, options, '{ workspace { publicRead publicDatasets } }');
    const open = (variables) =>
      ask(
        page,
        options,
        'mutation ($all: Boolean, $datasets: [String!]) { setPublicRead(all: $all, datasets: $datasets) { name } }',
        variables,
      );
    await putDataset(page, options, 'publiccheck', 'id,item\n1,apple\n2,pear\n');
    await putDataset(page, options, 'privatecheck', 'id,item\n1,secret\n');
    try {
      await open({ datasets: ['publiccheck'] });
      await page.goto(`${options.url}/`);
      await page.getByText('You read without a key').waitFor();
      const table = page.getByRole('table', { name: 'Datasets' });
      await table.getByRole('link', { name: 'publiccheck' }).click();
      const grid = page.getByRole('grid', { name: 'Rows of publiccheck' });
      await grid.getByText('apple').waitFor();
      await grid.and(page.locator('[aria-readonly=true]')).waitFor();
      for (const name of ['Upload', 'Add row']) {
        assert.equal(await page.getByRole('button', { name }).count(), 0, name);
      }
      for (const name of ['Settings', 'Rejects', 'Webhooks']) {
        assert.equal(await page.getByRole('tab', { name }).count(), 0, name);
      }
      assert.equal(await page.getByText('privatecheck').count(), 0);
      // He sees what others change, as everybody does.
      await ask(
        page,
        options,
        'mutation { updatePubliccheckByPk(pkColumns: {id: 1}, _set: {item: "fig"}) { id } }',
      );
      await grid.getByText('fig').waitFor();

      await page.getByRole('button', { name: 'Sign in' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('API key').fill(options.key);
      await dialog.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Add row' }).waitFor();
      await page.getByRole('link', { name: 'privatecheck' }).waitFor();
    } finally {
      await open(workspace.publicRead ? { all: true } : { datasets: workspace.publicDatasets });
    }
  },

  'a file is loaded, and replaced when asked': async (page, options) => {
    await openScreen(page, options, '/jobs');
    const card = page.getByRole('article', { name: 'sluicecheck.csv' });
    const upload = async (content) => {
      await page.locator('header input[type=file]').setInputFiles({
        name: 'sluicecheck.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(content),
      });
      await card.getByRole('button', { name: 'Load now' }).click();
    };
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
    forgive(options.faults, '409');
  },

  'several files are dropped, one of them twice, and loaded at once': async (page, options) => {
    await openScreen(page, options, '/');
    await page.getByRole('button', { name: 'Upload' }).waitFor();
    await dropFiles(page, 100, {
      'dropone.csv': `id,n\n${numbers(2000)}`,
      'droptwo.csv': `id,n\n${numbers(3)}`,
    });
    for (const name of ['dropone', 'droptwo']) {
      const card = page.getByRole('article', { name: `${name}.csv` });
      const replace = card.getByRole('button', { name: 'Replace' });
      const open = card.getByRole('button', { name: 'Open' });
      await replace.or(open).waitFor();
      if (await replace.isVisible()) await replace.click();
      await open.waitFor();
    }
    assert.equal(new URL(page.url()).pathname, '/', 'of several files none is opened by itself');
    await page.getByRole('button', { name: 'Dismiss 2 loaded' }).click();
    const row = page.getByRole('table', { name: 'Datasets' }).getByRole('row', { name: /dropone/ });
    await row.getByText('2,000').waitFor();

    // The same file twice is the same file.
    const file = { name: 'twice.csv', mimeType: 'text/csv', buffer: Buffer.from('a\n1\n') };
    await page.locator('header input[type=file]').setInputFiles([file]);
    await page.getByRole('article', { name: 'twice.csv' }).waitFor();
    await page.evaluate(() => {
      // A file made by the test has a date of its own each time; the page has this one already.
      window.twice = new File(['x'], 'same.csv', { lastModified: 1 });
      for (let n = 0; n < 2; n += 1) {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(window.twice);
        window.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
      }
    });
    await page.getByRole('region', { name: 'Uploads' }).getByText('Already in the list').waitFor();
    assert.equal(await page.getByRole('article', { name: 'same.csv' }).count(), 1);
    forgive(options.faults, '409');
  },

  'a load is followed and cancelled': async (page, options) => {
    await openScreen(page, options, '/');
    await page.getByRole('button', { name: 'Upload' }).waitFor();
    // Long enough to be seen at work; the server is let to read it slowly by nobody but its size.
    await page.locator('header input[type=file]').setInputFiles({
      name: 'longload.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(`id,n,t\n${numbers(900_000, ',some text to be read')}`),
    });
    const card = page.getByRole('article', { name: 'longload.csv' });
    await card.getByRole('button', { name: 'Load now' }).click();
    const cancel = card.getByRole('button', { name: 'Cancel loading longload.csv' });
    const progress = card.getByRole('progressbar', { name: /Loading/ });
    await progress.waitFor();
    await card.getByText(/ of \d.*MiB/).waitFor();
    await cancel.click();
    await card.getByText(/cancelled/i).waitFor();
  },

  'an empty workspace explains itself and loads the sample': async (page, options) => {
    const name = `check-${Date.now().toString(36)}`;
    await ask(page, options, 'mutation ($name: String!) { createWorkspace(name: $name) { id } }', {
      name,
    });
    try {
      const made = await makeKey(page, options, { name: 'check', scope: 'ADMIN', workspace: name });
      await openScreen(page, { ...options, key: made.key }, '/');
      await page.getByRole('heading', { name: /Drop a spreadsheet/ }).waitFor();
      await page.getByText('curl -T').waitFor();
      await assertAccessible(page, 'empty workspace');
      await page.getByRole('button', { name: 'Start an empty dataset' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: true }).fill('notes');
      await dialog.getByLabel('Name of column 1').fill('Title');
      await assertAccessible(page, 'a new dataset');
      await dialog.getByRole('button', { name: 'Make the dataset' }).click();
      await page.getByRole('heading', { name: 'notes' }).waitFor();
      await page.goBack();
      await page.getByRole('table', { name: 'Datasets' }).waitFor();
      await page.goto(`${options.url}/`);
      await ask(
        page,
        { ...options, key: made.key },
        'mutation { dropDataset(dataset: "notes") { id } }',
      );
      await page.reload();
      await page.getByRole('button', { name: 'Load a sample' }).click();
      await page.getByRole('heading', { name: 'cities' }).waitFor();
      assert.equal(new URL(page.url()).pathname, '/datasets/cities');
    } finally {
      await ask(
        page,
        options,
        'mutation ($name: String!) { deleteWorkspace(name: $name, confirm: $name) { id } }',
        { name },
      );
    }
  },

  'a viewer sees no editing controls': async (page, options) => {
    const viewer = await makeKey(page, options, { name: 'viewer', scope: 'READ' });
    await openScreen(page, { ...options, key: viewer.key }, '/');
    await page.getByRole('table', { name: 'Datasets' }).waitFor();
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByText('may read').waitFor();
    await page.keyboard.press('Escape');
    for (const name of ['Upload', 'New dataset', 'Look at a file']) {
      assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    }
    assert.equal(await page.getByRole('link', { name: 'Keys and people' }).count(), 0);
    await dropFiles(page, 100, { 'refused.csv': 'a\n1\n' });
    assert.equal(await page.getByRole('article', { name: 'refused.csv' }).count(), 0);
    await page.goto(`${options.url}/access`);
    await page.getByText('This room is for admins').waitFor();
  },

  'a session that ends says so, and goes on with another key': async (page, options) => {
    const short = await makeKey(page, options, { name: 'short', scope: 'READ' });
    await putDataset(page, options, 'sessioncheck', 'id,n\n1,2\n');
    await openScreen(page, { ...options, key: short.key }, '/');
    await page.getByRole('table', { name: 'Datasets' }).waitFor();
    await ask(
      page,
      options,
      'mutation ($prefix: String!) { revokeKey(prefix: $prefix) { prefix } }',
      {
        prefix: short.apiKey.prefix,
      },
    );
    await page.getByRole('link', { name: 'System', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Your work on this page is kept.').waitFor();
    await page.keyboard.press('Escape');
    const banner = page.getByRole('button', { name: 'Sign in again' });
    await banner.click();
    forgive(options.faults, '401');
    await dialog.getByLabel('API key').fill(options.key);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('heading', { name: 'What takes room' }).waitFor();
    forgive(options.faults, '401');
  },

  'a server that is away is told, and queries go on when it is back': async (page, options) => {
    await openScreen(page, options, '/');
    await page.getByRole('table', { name: 'Datasets' }).waitFor();
    await page.context().setOffline(true);
    await page.getByText(/This device is offline/).waitFor();
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    await page.context().setOffline(false);
    await page.getByText(/This device is offline/).waitFor({ state: 'hidden' });
    await page.getByRole('list', { name: 'Jobs' }).getByRole('listitem').first().waitFor();
    forgive(options.faults, 'ERR_INTERNET_DISCONNECTED', 'Unable to preload');
  },
};

function numbers(nRows, tail = '') {
  return Array.from({ length: nRows }, (_, at) => `${at + 1},${at * 7}${tail}\n`).join('');
}

/** Drops files at a place of the window: left is loading, right is looking. */
async function dropFiles(page, x, files) {
  await page.evaluate(
    ({ x, files }) => {
      const dataTransfer = new DataTransfer();
      for (const [name, content] of Object.entries(files)) {
        dataTransfer.items.add(new File([content], name, { type: 'text/csv' }));
      }
      const target = document.elementFromPoint(x, 300);
      for (const type of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(
          new DragEvent(type, {
            dataTransfer,
            clientX: x,
            clientY: 300,
            bubbles: true,
            cancelable: true,
          }),
        );
      }
    },
    { x, files },
  );
}
