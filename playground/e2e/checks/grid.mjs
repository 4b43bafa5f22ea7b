import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ask, openGrid, putDataset, rowsArrive, runQuery } from '../page.mjs';

const CSV = `id,item,price,big,paid,day,meta
1,apple,1.50,9007199254740993,true,2024-01-31,"{""a"": 1}"
2,"pear, green",2.25,9007199254740994,false,2024-02-29,
3,=1+1,3.00,9007199254740995,true,2025-03-01,"{""a"": 12345678901234567890}"
4,<script>alert(1)</script>,4.75,9007199254740996,false,2025-03-02,
5,,5.00,9007199254740997,true,,
`;

/** A dataset of this check's own, on its page. */
async function openOwn(page, options, name = 'gridcheck', csv = CSV) {
  await putDataset(page, options, name, csv);
  await openGrid(page, { ...options, dataset: name });
  return page.getByRole('grid', { name: `Rows of ${name}` });
}

/** A cell by the places of its row and its column, from 0. */
function cellAt(page, row, column) {
  return page.locator(`[data-row="${row}"] [data-column="${column}"]`);
}

async function waitForCell(page, row, column, text) {
  await cellAt(page, row, column).getByText(text, { exact: true }).waitFor();
}

/** How many rows the grid says there are. */
async function countIs(page, words) {
  await page.locator('.grid-footer').getByText(words, { exact: true }).waitFor();
}

async function rowOf(page, options, id) {
  const query = `query ($id: Int!) { row: gridcheckByPk(id: $id) { id item price big paid day meta } }`;
  return (await ask(page, options, query, { id })).row;
}

/** A request that is refused on purpose is told on the console, too. */
function forgive({ faults }, status) {
  const expected = faults.filter((fault) => fault.includes(`status of ${status}`));
  assert.ok(expected.length > 0, `no request was answered with ${status}`);
  for (const fault of expected) faults.splice(faults.indexOf(fault), 1);
}

export const checks = {
  'the grid shows rows, sorts and filters': async (page, options) => {
    const dataset = await openGrid(page, options);
    const table = page.getByRole('grid', { name: `Rows of ${options.dataset}` });
    const { label } = dataset.columns.find(({ name }) => name === 'id');
    const header = table.getByRole('button', { name: label }).first();
    const id = await cellAt(page, 0, 0).innerText();

    // By the first column twice, so that the last row comes first.
    for (const direction of ['ascending', 'descending']) {
      const sorted = rowsArrive(page);
      await header.click();
      const rows = await sorted;
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
    assert.deepEqual(
      (await filtered).map((row) => String(row.id)),
      [id],
    );
    await page.getByText(`1 row of`).waitFor();

    // Back and forth keep the view, as a shared address does.
    await page.reload();
    await page.getByText(`1 row of`).waitFor();
    await waitForCell(page, 0, 0, id);

    await page.getByRole('button', { name: 'Code', exact: true }).click();
    const code = page.getByRole('dialog', { name: 'This view as code' });
    await code.getByText(`where ${label} is ${id}, by ${label}, highest first`).waitFor();
    for (const language of ['curl', 'fetch', 'Apollo', 'urql', 'Python', 'GraphQL']) {
      await code.getByRole('tab', { name: language }).click();
      const text = await code.getByRole('region').innerText();
      assert.ok(text.includes(dataset.listField), `${language} does not ask for the dataset`);
      assert.ok(!text.includes(options.key), `${language} tells the key`);
    }
    await code.getByRole('button', { name: 'Open in GraphiQL' }).click();
    await page.locator('.graphiql-tab-active').getByText(`${dataset.typeName}View`).waitFor();
    const answer = await runQuery(page, dataset.listField);
    assert.equal(answer.rows.length, 1);
  },

  'cells are edited by the keyboard, refused at the cell, undone and redone': async (
    page,
    options,
  ) => {
    const grid = await openOwn(page, options);
    await grid.focus();
    await page.keyboard.press('Control+Home');
    // Typing replaces; Tab takes the value and goes on.
    await page.keyboard.press('ArrowRight');
    await page.keyboard.type('cherry');
    await page.keyboard.press('Tab');
    await waitForCell(page, 0, 1, 'cherry');
    await page.keyboard.press('Enter');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('7.5');
    await page.keyboard.press('Enter');
    // As the API has it: at the column's scale.
    await waitForCell(page, 0, 2, '7.50');
    // Delete sets to null, empty text is another thing.
    await cellAt(page, 1, 1).click();
    await page.keyboard.press('Delete');
    await waitForCell(page, 1, 1, 'null');
    await cellAt(page, 3, 1).dblclick();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Enter');
    await waitForCell(page, 3, 1, 'empty');
    await page.getByText('item of row 4 changed.').waitFor();
    assert.deepEqual(await rowOf(page, options, 1), {
      id: 1,
      item: 'cherry',
      price: '7.50',
      big: '9007199254740993',
      paid: true,
      day: '2024-01-31',
      meta: { a: 1 },
    });
    assert.equal((await rowOf(page, options, 2)).item, null);
    assert.equal((await rowOf(page, options, 4)).item, '');

    // A value that the API refuses: the cell says so and keeps what was typed.
    await cellAt(page, 2, 2).dblclick();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('1.234');
    await page.keyboard.press('Enter');
    const refused = page.locator('[data-row="2"] [aria-invalid="true"]');
    await refused.getByText(/1\.234/).waitFor({ state: 'attached' });
    forgive(options, 400);
    await cellAt(page, 2, 2).click();
    await refused.getByText(/request/).waitFor();
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('.cell-control').inputValue(), '1.234');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('1.23');
    await page.keyboard.press('Enter');
    await waitForCell(page, 2, 2, '1.23');

    for (const [row, column, text] of [
      [2, 2, '3.00'],
      [3, 1, '<script>alert(1)</script>'],
      [1, 1, 'pear, green'],
      [0, 2, '1.50'],
      [0, 1, 'apple'],
    ]) {
      await page.keyboard.press('ControlOrMeta+Z');
      await waitForCell(page, row, column, text);
    }
    await page.keyboard.press('ControlOrMeta+Shift+Z');
    await waitForCell(page, 0, 1, 'cherry');
    await page.getByRole('button', { name: 'Undo: item of row 1' }).click();
    await waitForCell(page, 0, 1, 'apple');
    assert.equal((await rowOf(page, options, 1)).item, 'apple');
  },

  'rows are added, changed at the side, deleted, and brought back': async (page, options) => {
    await openOwn(page, options);
    await page.getByRole('button', { name: 'Add row' }).click();
    const added = page.getByRole('dialog', { name: 'New row' });
    await added.getByLabel(/^id/).fill('6');
    await added.getByLabel(/^item/).fill('plum');
    await added.getByLabel(/^paid/).selectOption('false');
    await added.getByLabel(/^meta/).fill('{"deep": [1, null]}');
    await added.getByRole('button', { name: 'Add row' }).click();
    await waitForCell(page, 5, 1, 'plum');
    await countIs(page, '6 rows');

    await cellAt(page, 5, 1).click();
    await page.keyboard.press('Shift+Enter');
    const open = page.getByRole('dialog', { name: 'Row 6' });
    await open.getByLabel(/^big/).fill('9223372036854775807');
    await open.getByLabel(/^price/).fill('x');
    await open.getByRole('button', { name: 'Save' }).click();
    await open.getByText('"x" is not a decimal number').waitFor();
    await open.getByLabel(/^price/).fill('0.10');
    await open.getByRole('button', { name: 'Save' }).click();
    // It says "Saving…" until the answer is there.
    await open.getByRole('button', { name: 'Save' }).and(open.locator(':disabled')).waitFor();
    await page.keyboard.press('Escape');
    assert.deepEqual(await rowOf(page, options, 6), {
      id: 6,
      item: 'plum',
      price: '0.10',
      big: '9223372036854775807',
      paid: false,
      day: null,
      meta: { deep: [1, null] },
    });

    for (const row of [1, 3]) {
      await cellAt(page, row, -1).hover();
      await page.getByRole('checkbox', { name: `Pick row ${row + 1}` }).check();
    }
    await page.getByRole('button', { name: 'Delete 2 rows' }).click();
    await countIs(page, '4 rows');
    await waitForCell(page, 1, 0, '3');
    assert.equal(await rowOf(page, options, 2), null);
    await page.getByRole('button', { name: 'Undo: 2 rows' }).click();
    await countIs(page, '6 rows');
    assert.equal((await rowOf(page, options, 2)).item, 'pear, green');
    assert.equal((await rowOf(page, options, 4)).big, '9007199254740996');
  },

  'what somebody else has changed since is not undone unasked': async (page, options) => {
    const grid = await openOwn(page, options);
    const others = (item, id = 1) =>
      ask(
        page,
        options,
        'mutation ($id: Int!, $item: String!) { updateGridcheckByPk(pkColumns: {id: $id}, _set: {item: $item}) { id } }',
        { item, id },
      );
    const bar = page.getByRole('group', { name: 'Editing' });
    const type = async (text) => {
      await cellAt(page, 0, 1).click();
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
      await bar.getByText('item of row 1 changed.').waitFor();
    };
    const undo = async () => {
      await grid.focus();
      await page.keyboard.press('ControlOrMeta+Z');
    };
    await type('cherry');
    // Another cell of the row is nobody's business.
    await ask(
      page,
      options,
      'mutation { updateGridcheckByPk(pkColumns: {id: 1}, _set: {paid: false}) { id } }',
    );
    await undo();
    await waitForCell(page, 0, 1, 'apple');
    await bar.getByText('item of row 1: undone.').waitFor();

    await type('cherry');
    await others('fig');
    await undo();
    const conflict = bar.getByRole('alert');
    await conflict
      .getByText('item of row 1 is not undone: somebody else has changed it since, to “fig”.')
      .waitFor();
    await waitForCell(page, 0, 1, 'fig');
    assert.equal((await rowOf(page, options, 1)).item, 'fig');
    await conflict.getByRole('button', { name: 'Undo anyway' }).click();
    await waitForCell(page, 0, 1, 'apple');
    await conflict.waitFor({ state: 'detached' });
    assert.equal((await rowOf(page, options, 1)).item, 'apple');

    await type('plum');
    await others('date');
    await undo();
    await conflict.getByRole('button', { name: 'Keep what is there' }).click();
    await conflict.waitFor({ state: 'detached' });
    await bar
      .getByRole('button', { name: 'Undo', exact: true })
      .and(bar.locator(':disabled'))
      .waitFor();
    assert.equal((await rowOf(page, options, 1)).item, 'date');

    // A row that was added goes only as it came.
    await page.getByRole('button', { name: 'Add row' }).click();
    const added = page.getByRole('dialog', { name: 'New row' });
    await added.getByLabel(/^id/).fill('6');
    await added.getByRole('button', { name: 'Add row' }).click();
    await countIs(page, '6 rows');
    await others('olive', 6);
    await waitForCell(page, 5, 1, 'olive');
    await bar.getByRole('button', { name: 'Undo: 1 row' }).click();
    await conflict
      .getByText(/^1 row is not undone: somebody else has changed it since\./)
      .waitFor();
    await ask(page, options, 'mutation { deleteGridcheckByPk(id: 6) { id } }');
    await conflict.getByRole('button', { name: 'Undo anyway' }).click();
    await conflict.getByText('somebody else has deleted the row since').waitFor();
    await conflict.getByRole('button', { name: 'Close' }).click();
    await countIs(page, '5 rows');
  },

  'cells are copied and pasted as a spreadsheet does': async (page, options) => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await openOwn(page, options);
    await cellAt(page, 0, 1).click();
    await cellAt(page, 1, 2).click({ modifiers: ['Shift'] });
    await page.keyboard.press('ControlOrMeta+C');
    await page.getByText('4 cells copied').waitFor({ state: 'attached' });
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, 'apple\t1.50\npear, green\t2.25');
    await cellAt(page, 3, 1).click();
    await page.keyboard.press('ControlOrMeta+V');
    await page.getByText('4 pasted cells changed.').waitFor();
    await waitForCell(page, 4, 1, 'pear, green');
    await waitForCell(page, 3, 2, '1.50');
    assert.equal((await rowOf(page, options, 5)).price, '2.25');
    await page.keyboard.press('ControlOrMeta+Z');
    await waitForCell(page, 3, 2, '4.75');
    // What is no value of a column changes nothing.
    await cellAt(page, 0, 2).click();
    await page.evaluate(() => navigator.clipboard.writeText('1\nmany'));
    await page.keyboard.press('ControlOrMeta+V');
    await page.getByText(/Nothing was pasted\. Row 2, price/).waitFor();
    assert.equal((await rowOf(page, options, 1)).price, '1.50');
  },

  'columns are arranged, and stay so': async (page, options) => {
    const grid = await openOwn(page, options);
    const headers = () => grid.locator('.grid-head .grid-label').allInnerTexts();
    const names = async () => (await headers()).map((text) => text.split('\n')[0]);
    const menuOf = async (name, item) => {
      await grid.getByRole('button', { name: `Menu of ${name}` }).click();
      await page.getByRole('menuitem', { name: item, exact: true }).click();
    };
    await menuOf('price', 'Pin to the left');
    await grid.locator('.grid-pinned').getByText('price').waitFor();
    await page.keyboard.press('Escape');
    await menuOf('big', 'Hide');
    await grid.getByText('big').waitFor({ state: 'detached' });
    // By the keyboard: to the header, wider, then one place to the right.
    await grid.focus();
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowUp');
    const id = grid.getByRole('columnheader', { name: /^id/ });
    const { width } = await id.boundingBox();
    await page.keyboard.press('Alt+ArrowRight');
    assert.equal((await id.boundingBox()).width, width + 16);
    await page.keyboard.press('Alt+Shift+ArrowRight');
    assert.deepEqual((await names()).slice(0, 3), ['price', 'item', 'id']);
    await page.reload();
    await grid.locator('.grid-cell[data-kind=text]').first().waitFor();
    assert.deepEqual((await names()).slice(0, 3), ['price', 'item', 'id']);
    assert.equal((await id.boundingBox()).width, width + 16);
    await page.getByRole('button', { name: '6 of 7 columns' }).click();
    await page.getByRole('button', { name: 'Reset', exact: true }).click();
    await page.keyboard.press('Escape');
    await grid.getByText('big').waitFor();
    assert.deepEqual((await names()).slice(0, 3), ['id', 'item', 'price']);
  },

  'facets count and filter, words are searched, sorts join': async (page, options) => {
    const grid = await openOwn(page, options);
    await grid.getByRole('button', { name: 'Menu of paid' }).click();
    await page.getByRole('menuitem', { name: 'Count its values' }).click();
    const facets = page.getByRole('complementary', { name: 'Facets' });
    await facets.getByRole('button', { name: 'true 3' }).click();
    await page.getByText('3 rows of 5').waitFor();
    // The other values stay, to be added.
    await facets.getByRole('button', { name: 'false 2' }).waitFor();
    await facets.getByLabel('Add a facet').selectOption('day');
    await facets.getByRole('button', { name: '2025 1' }).click();
    await page.getByText('1 row of 5').waitFor();
    await page.getByRole('button', { name: 'Remove the filter: day from 2025-01-01' }).waitFor();
    await page.goBack();
    await page.getByText('3 rows of 5').waitFor();
    await facets.getByRole('button', { name: 'true 3' }).click();
    await countIs(page, '5 rows');

    await page.getByRole('searchbox', { name: 'Search the rows' }).fill('GREEN pe');
    await page.getByText('1 row of 5').waitFor();
    await waitForCell(page, 0, 1, 'pear, green');
    assert.ok(new URL(page.url()).searchParams.has('q'), 'the search is not in the address');
    await page.getByRole('searchbox', { name: 'Search the rows' }).fill('');
    await countIs(page, '5 rows');

    await grid.getByRole('button', { name: /^paid/ }).click();
    await grid.getByRole('button', { name: /^price/ }).click({ modifiers: ['Shift'] });
    await grid.getByRole('button', { name: /^price/ }).click({ modifiers: ['Shift'] });
    await waitForCell(page, 0, 2, '4.75');
    await waitForCell(page, 1, 2, '2.25');
    await waitForCell(page, 2, 2, '5.00');
  },

  'a grid taller than a browser draws is scrolled from end to end': async (page, options) => {
    const N = 400_000;
    const lines = Array.from({ length: N }, (_, n) => `${n + 1},${(n * 7919) % 1000}\n`);
    const grid = await openOwn(page, options, 'gridtall', `id,mod\n${lines.join('')}`);
    const rowIsThere = async (row) => {
      await waitForCell(page, row - 1, 0, String(row));
      const shown = await cellAt(page, row - 1, 0).boundingBox();
      const frame = await grid.boundingBox();
      assert.ok(shown.y >= frame.y && shown.y < frame.y + frame.height, `row ${row} is not seen`);
    };
    await grid.focus();
    await page.keyboard.press('Control+End');
    await rowIsThere(N);
    await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowUp');
    await page.getByLabel('Row', { exact: true }).fill('222222');
    await page.getByRole('button', { name: 'Go', exact: true }).click();
    await rowIsThere(222_222);
    // The wheel goes on from there, by as much as it turns.
    await grid.hover();
    await page.mouse.wheel(0, 320);
    await rowIsThere(222_235);
    // A drag of the scroll bar goes where it stands.
    await grid.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await rowIsThere(N / 2 + 5);
    await grid.evaluate((element) => (element.scrollTop = 0));
    await rowIsThere(1);
    // In another order a far place is found as well, and its neighbours.
    await grid.getByRole('button', { name: /^mod/ }).click();
    await grid.locator('[aria-sort="ascending"]').waitFor();
    await waitForCell(page, 0, 1, '0');
    await page.getByLabel('Row', { exact: true }).fill('200001');
    await page.getByRole('button', { name: 'Go', exact: true }).click();
    await waitForCell(page, 200_000, 1, '500');
    await grid.hover();
    await page.mouse.wheel(0, -3200);
    await waitForCell(page, 199_905, 1, '499');
  },

  'what others change is seen without asking': async (page, options) => {
    await openOwn(page, options);
    await ask(
      page,
      options,
      'mutation { updateGridcheckByPk(pkColumns: {id: 2}, _set: {item: "fig"}) { id } }',
    );
    await waitForCell(page, 1, 1, 'fig');
    await ask(page, options, 'mutation { deleteGridcheckByPk(id: 1) { id } }');
    await countIs(page, '4 rows');
    await waitForCell(page, 0, 1, 'fig');
  },

  'what others change before anybody would tell is seen, too': async (page, options) => {
    const change = (item) =>
      ask(
        page,
        options,
        'mutation ($item: String!) { updateGridcheckByPk(pkColumns: {id: 2}, _set: {item: $item}) { id } }',
        { item },
      );
    // Between the first rows and the WebSocket, and again while it is away.
    let connect;
    let break_;
    const hold = () => new Promise((resolve) => (connect = resolve));
    let held = hold();
    await page.routeWebSocket(/graphql/, async (socket) => {
      await held;
      socket.connectToServer();
      break_ = () => socket.close({ code: 4000, reason: 'a proxy stopped' });
    });
    await openOwn(page, options);
    await change('fig');
    connect();
    await waitForCell(page, 1, 1, 'fig');
    held = hold();
    break_();
    await change('date');
    connect();
    await waitForCell(page, 1, 1, 'date');
  },

  'the view is exported, its formulas harmless': async (page, options) => {
    await openOwn(page, options);
    const exported = async (label) => {
      await page.getByRole('button', { name: 'Export', exact: true }).click();
      const download = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: label }).click();
      return readFile(await (await download).path(), 'utf8');
    };
    const csv = (await exported(/^CSV/)).split('\r\n');
    assert.equal(csv[0], 'id,item,price,big,paid,day,meta');
    assert.equal(csv[1], '1,apple,1.50,9007199254740993,true,2024-01-31,"{""a"":1}"');
    assert.ok(csv[3].startsWith("3,'=1+1,"));
    assert.equal(csv.length, 7);
    await page.getByText('5 rows exported.').waitFor();
    const json = await exported('JSON');
    const rows = JSON.parse(json);
    assert.equal(rows.length, 5);
    assert.deepEqual([rows[2].item, rows[1].meta, rows[4].day], ['=1+1', null, null]);
    assert.ok(json.includes('{"a":12345678901234567890}'), 'a long number lost its digits');
  },

  'a key that reads sees no editing': async (page, options) => {
    await putDataset(page, options, 'gridcheck', CSV);
    const made = 'mutation { createKey(name: "gridcheck", scope: READ) { key } }';
    const { key } = (await ask(page, options, made)).createKey;
    await openGrid(page, { ...options, key, dataset: 'gridcheck' });
    await page.getByRole('button', { name: 'Export', exact: true }).waitFor();
    await page.getByRole('grid').and(page.locator('[aria-readonly=true]')).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Add row' }).count(), 0);
    // Enter shows the whole value instead.
    await cellAt(page, 3, 1).dblclick();
    const value = page.getByRole('dialog', { name: 'Value of item' });
    await value.getByText('<script>alert(1)</script>').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+Enter');
    const row = page.getByRole('dialog', { name: 'Row 4' });
    await row.getByText('9007199254740996').waitFor();
    assert.equal(await row.getByRole('button', { name: 'Save' }).count(), 0);
  },
};
