import assert from 'node:assert/strict';
import { workbook } from '../journeys/files.mjs';
import {
  ask,
  assertAccessible,
  assertNoSidewaysScroll,
  forgive,
  openScreen,
  putDataset,
} from '../page.mjs';

const MESS = `Report of June;;;

Order No;Customer;Total;Day
101;Ada;12.50;03/04/2024
102;Grace;7.10;13/04/2024
103;Edsger;abc;14/04/2024
104;Barbara;;15/04/2024
`;

export const checks = {
  'a file is looked at, corrected and loaded': async (page, options) => {
    await putDataset(page, options, 'inspectcheck', 'id,Total\n1,2.50\n');
    await ask(page, options, 'mutation { dropDataset(dataset: "inspectcheck") { id } }');
    await look(page, options, 'inspectcheck.csv', MESS);
    const columns = page.getByRole('region', { name: 'Columns found' });
    await columns.getByLabel('Type of Total').waitFor();
    await page
      .getByText(/semicolon/i)
      .first()
      .waitFor({ state: 'attached' });
    const rows = page.getByRole('table', { name: /First rows of/ });
    assert.ok((await rows.innerText()).includes('2024-04-03'));
    await assertAccessible(page, 'inspect');

    // A type that a cell does not fit.
    await columns.getByLabel('Type of Total').selectOption('DECIMAL');
    await page.getByRole('heading', { name: '1 row would be refused' }).waitFor();
    await page.getByText('abc').first().waitFor();
    await page.getByLabel('Rows that do not fit').selectOption('REJECT');

    // Another field name, a key, a column left out.
    await columns.getByLabel('Field name of Customer').fill('buyer');
    await rows.getByRole('columnheader', { name: /^buyer/ }).waitFor();
    await columns.getByLabel('Order No is the key').check();
    await columns.getByLabel('Load the column Day').uncheck();
    await rows.getByRole('columnheader', { name: /^day/ }).waitFor({ state: 'hidden' });

    await page.getByRole('button', { name: 'Load as inspectcheck' }).click();
    await page.getByRole('heading', { name: 'inspectcheck' }).waitFor();
    const { dataset } = await ask(
      page,
      options,
      '{ dataset(name: "inspectcheck") { rowCount rejectCount key columns { name type } } }',
    );
    assert.equal(dataset.rowCount, '3');
    assert.equal(dataset.rejectCount, '1');
    // The chosen column's values name the rows.
    const { inspectcheck } = await ask(page, options, '{ inspectcheck(limit: 1) { id orderNo } }');
    assert.deepEqual(inspectcheck, [{ id: 101, orderNo: 101 }]);
    const types = Object.fromEntries(dataset.columns.map(({ name, type }) => [name, type]));
    assert.equal(types.total, 'DECIMAL');
    assert.ok('buyer' in types && !('day' in types), JSON.stringify(types));
  },

  'a file that is looked at survives a reload, with what was chosen': async (page, options) => {
    await look(page, options, 'keptcheck.csv', MESS);
    const columns = page.getByRole('region', { name: 'Columns found' });
    await columns.getByLabel('Type of Total').selectOption('DECIMAL');
    await page.getByRole('heading', { name: '1 row would be refused' }).waitFor();
    await page.getByLabel('Dataset', { exact: true }).fill('keptelsewhere');
    await page.getByRole('button', { name: 'Load as keptelsewhere' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'keptcheck.csv', level: 1 }).waitFor();
    await page.getByRole('heading', { name: '1 row would be refused' }).waitFor();
    await page.getByRole('button', { name: 'Load as keptelsewhere' }).waitFor();
    assert.equal(await columns.getByLabel('Type of Total').inputValue(), 'DECIMAL');

    // Left, it is not to be had back, and nothing of it stays in the browser.
    const address = page.url();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await page.getByRole('heading', { name: 'Datasets', level: 1 }).waitFor();
    await page.goto(address);
    await page.getByRole('heading', { name: 'This file is not at hand any more' }).waitFor();
    const nKept = await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const opening = window.indexedDB.open('sluice.files', 1);
          opening.onerror = reject;
          opening.onsuccess = () => {
            const count = opening.result.transaction('looked-at').objectStore('looked-at').count();
            count.onsuccess = () => resolve(count.result);
          };
        }),
    );
    assert.equal(nKept, 0);
  },

  'a file that cannot be kept is asked for again': async (page, options) => {
    await page.addInitScript(() => {
      Object.defineProperty(window, 'indexedDB', { value: undefined });
    });
    await look(page, options, 'unkept.csv', 'a,b\n1,2\n');
    await page.getByText(/The browser does not keep this file/).waitFor();
    await page.reload();
    await page.getByText(/The browser could not keep unkept\.csv/).waitFor();
    await page.getByRole('button', { name: 'Choose a file' }).waitFor();
  },

  'the sheets of a workbook are one load, or one for each way': async (page, options) => {
    const book = workbook({
      Orders: [
        ['id', 'total'],
        [1, 2.5],
        [2, 3],
      ],
      People: [
        ['id', 'name'],
        [1, 'Ada'],
      ],
      Cities: [
        ['code', 'city'],
        ['a', 'Linz'],
        ['b', 'Bern'],
      ],
    });
    for (const name of ['sheetcheckOrders', 'sheetcheckPeople', 'sheetcheckCities', 'towns']) {
      await putDataset(page, options, name, 'id\n1\n');
      await ask(page, options, 'mutation ($name: String!) { dropDataset(dataset: $name) { id } }', {
        name,
      });
    }
    await look(page, options, 'sheetcheck.xlsx', book);
    await page.getByRole('button', { name: 'Load 3 sheets' }).click();
    const cards = page.getByRole('article', { name: 'sheetcheck.xlsx' });
    const made = cards.getByRole('list', { name: 'Loaded datasets' });
    await made.getByText('sheetcheckOrders: 2 rows').waitFor();
    await made.getByText('sheetcheckPeople: 1 row').waitFor();
    await made.getByText('sheetcheckCities: 2 rows').waitFor();
    assert.equal(await cards.count(), 1);
    await cards.getByText('sheetcheck.xlsx – Orders, People, Cities').waitFor();
    await cards.getByRole('button', { name: 'Dismiss sheetcheck.xlsx' }).click();

    // Under a name of its own, a sheet is a load of its own.
    await look(page, options, 'sheetcheck.xlsx', book);
    await page.getByRole('button', { name: 'Cities', exact: true }).click();
    await page.getByLabel('Dataset', { exact: true }).fill('towns');
    await page.getByText('This name is free').waitFor();
    await page.getByRole('button', { name: 'Load 3 sheets' }).click();
    await cards.getByText('sheetcheck.xlsx – Orders, People', { exact: true }).waitFor();
    await cards.getByText('sheetcheck.xlsx – Cities', { exact: true }).waitFor();
    await cards.getByText(/^towns: 2 rows/).waitFor();
    await made.getByText('sheetcheckOrders: 2 rows').waitFor();
    assert.equal(await cards.count(), 2);
  },

  'the header row and the delimiter are changed, and the rows follow': async (page, options) => {
    await look(page, options, 'reading.csv', 'a;b\nx;y\n1;2\n');
    const rows = page.getByRole('table', { name: /First rows of/ });
    await rows.getByRole('columnheader', { name: /^a/ }).waitFor();
    await page.getByLabel(/^Header row/).fill('2');
    await rows.getByRole('columnheader', { name: /^x/ }).waitFor();
    await page.getByLabel('Columns are separated by').selectOption(',');
    await rows.getByRole('columnheader', { name: /^xY/ }).waitFor();
    await page.getByRole('button', { name: 'Back to what was found' }).click();
    await rows.getByRole('columnheader', { name: /^a/ }).waitFor();
    // What cannot be is told in the API's sentence, and the page stays.
    await page.getByLabel(/^Header row/).fill('900');
    await page.getByRole('alert').waitFor();
    await page.getByRole('button', { name: 'Back to what was found' }).click();
    await rows.getByRole('columnheader', { name: /^a/ }).waitFor();
    forgive(options.faults, '400');
  },

  'drift is told before the load, with a remedy': async (page, options) => {
    // What was declared in a run before would hold.
    await putDataset(page, options, 'driftcheck', 'id\n1\n');
    await ask(page, options, 'mutation { dropDataset(dataset: "driftcheck") { id } }');
    await putDataset(page, options, 'driftcheck', 'id,total\n1,2.50\n2,3.50\n');
    await look(page, options, 'driftcheck.csv', 'id,total,note\n1,abc,x\n2,7.10,y\n');
    await page.getByRole('heading', { name: 'Clients of driftcheck would feel this' }).waitFor();
    await page.getByText('BREAKING').first().waitFor();
    await page.getByRole('button', { name: 'Keep DECIMAL, refuse rows that do not fit' }).click();
    await page.getByRole('heading', { name: /is safe/ }).waitFor();
    await page.getByRole('heading', { name: '1 row would be refused' }).waitFor();
    await page.getByRole('radio', { name: 'Append' }).check();
    await page.getByRole('button', { name: 'Append to driftcheck' }).waitFor();
    await page.getByRole('radio', { name: 'Replace' }).check();
    await page.getByRole('button', { name: 'Replace driftcheck' }).click();
    await page.getByRole('heading', { name: 'driftcheck' }).waitFor();
    const { dataset } = await ask(
      page,
      options,
      '{ dataset(name: "driftcheck") { rowCount rejectCount columns { name type } } }',
    );
    assert.deepEqual([dataset.rowCount, dataset.rejectCount], ['1', '1']);
    assert.equal(dataset.columns.find(({ name }) => name === 'total').type, 'DECIMAL');
  },

  'a long text is looked at by its beginning': async (page, options) => {
    const line = '1,some text that makes the file long,2024-01-31\n';
    const sent = [];
    page.on('request', async (request) => {
      if (!request.headers()['content-type']?.startsWith('multipart/')) return;
      const { requestBodySize } = await request.sizes();
      sent.push(requestBodySize);
    });
    await look(page, options, 'longtext.csv', `n,t,d\n${line.repeat(150_000)}`);
    await page.getByText(/Seen: the first/).waitFor();
    await page.getByRole('region', { name: 'Columns found' }).waitFor();
    assert.ok(sent[0] < 4.2 * 1024 * 1024, `${sent[0]} bytes were sent`);
    await page.getByRole('button', { name: 'Look at all of it' }).click();
    await page.getByRole('heading', { name: 'First rows of 150,000 rows', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await page.getByRole('heading', { name: 'Datasets', level: 1 }).waitFor();
  },

  'an address of a file that is gone says so; the screen fits 360 px': async (page, options) => {
    await page.setViewportSize({ width: 360, height: 720 });
    await openScreen(page, options, '/load/0123456789abcdef');
    await page.getByRole('heading', { name: 'This file is not at hand any more' }).waitFor();
    await page.locator('main input[type=file]').setInputFiles({
      name: 'narrow.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(MESS),
    });
    await page.getByLabel('Type of Total').waitFor();
    await assertNoSidewaysScroll(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await assertAccessible(page, 'inspect, narrow, dark');
  },
};

async function look(page, options, name, content) {
  await openScreen(page, options, '/');
  await page.getByRole('button', { name: 'Upload' }).waitFor();
  await page.locator('header input[type=file]').setInputFiles({
    name,
    mimeType: 'text/csv',
    buffer: Buffer.from(content),
  });
  const card = page.getByRole('article', { name });
  await card.getByRole('button', { name: 'Look first' }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}
