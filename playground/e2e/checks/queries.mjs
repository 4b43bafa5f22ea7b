import assert from 'node:assert/strict';
import {
  ask,
  assertAccessible,
  assertNoSidewaysScroll,
  forgive,
  openDocument,
  openScreen,
  putDataset,
} from '../page.mjs';

/** A dataset and saved queries of this room's own. */
const NAME = 'querycheck';
const CSV = 'id,status,total\n1,open,10.50\n2,paid,20.25\n3,open,5.00\n';
const DOCUMENT = `query QueryCheck($least: Decimal = 6, $states: [String!]) { ${NAME}(where: {status: {_in: $states}, total: {_gte: $least}}) { id total } }`;

/** Leaves the dataset, and no saved query but those that are given. */
async function prepare(page, options, saved = {}) {
  const { savedQueries } = await ask(page, options, '{ savedQueries { name } }');
  for (const { name } of savedQueries.filter((query) => query.name.startsWith('QueryCheck'))) {
    await ask(page, options, 'mutation ($name: String!) { dropSavedQuery(name: $name) { name } }', {
      name,
    });
  }
  await putDataset(page, options, NAME, CSV);
  for (const [name, document] of Object.entries(saved)) {
    await ask(
      page,
      options,
      'mutation ($name: String!, $document: String!) { saveQuery(name: $name, document: $document, protected: false) { name } }',
      { name, document },
    );
  }
}

export const checks = {
  'a query is saved from the editor: what is wrong is said in place': async (page, options) => {
    await prepare(page, options);
    await openDocument(page, options, DOCUMENT);
    await page.getByRole('button', { name: 'Save query' }).click();
    const dialog = page.getByRole('dialog');
    const name = dialog.getByLabel(/^Name/);
    assert.equal(await name.inputValue(), 'QueryCheck');
    await name.fill('1st');
    await dialog.getByText('A name has letters, digits, _ and -, a letter first.').waitFor();
    await dialog.getByLabel(/^Seconds/).fill('99999999');
    await name.fill('QueryCheck');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.getByText('maxAge must be from 0 to 31536000.').waitFor();
    await assertAccessible(page, 'saving a query');
    await dialog.getByLabel(/^Seconds/).fill('60');
    await dialog.getByLabel('What is it for?').fill('orders to be sent');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.getByRole('region', { name: 'Its address' }).waitFor();
    await assertAccessible(page, 'a saved query');
    await dialog.getByRole('button', { name: 'Done' }).click();

    // The same name once more takes its place, and keeps what is not changed.
    await page.getByRole('button', { name: 'Save query' }).click();
    await dialog.getByText('There is one of this name').waitFor();
    assert.equal(await dialog.getByLabel(/^Seconds/).inputValue(), '60');
    await dialog.getByRole('button', { name: 'Save in its place' }).click();
    await dialog.getByRole('link', { name: /^Run it/ }).click();
    const card = page.getByRole('listitem', { name: 'Saved query QueryCheck' });
    await card.getByText('orders to be sent').waitFor();
    await card.getByText('kept for 60 seconds').waitFor();

    // What the server refuses is told, and nothing is lost.
    await page.getByRole('button', { name: 'Edit QueryCheck' }).click();
    const document = dialog.getByLabel('The query');
    await document.fill('{ nothing }');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.getByText(/^The document cannot be run/).waitFor();
    await document.fill(DOCUMENT.replace('= 6', '= 11'));
    await dialog.getByLabel(/^Requests a minute/).fill('120');
    await assertAccessible(page, 'editing a saved query');
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    await card.getByText('at most 120 a minute').waitFor();
    await card.getByRole('button', { name: 'Run', exact: true }).click();
    await card.getByRole('region', { name: 'Answer of QueryCheck' }).getByText('20.25').waitFor();
    // The browser itself reports the two that were refused.
    forgive(options.faults, '400');
  },

  'saved queries are run with variables, told when they are broken, and fit 360 px': async (
    page,
    options,
  ) => {
    await prepare(page, options, {
      QueryCheck: DOCUMENT,
      QueryCheckTwo: `{ a: ${NAME} { id } b: ${NAME} { id } }`,
    });
    await openScreen(page, options, '/queries?q=QueryCheck');
    const card = page.getByRole('listitem', { name: 'Saved query QueryCheck', exact: true });
    await card.getByText('Run it', { exact: true }).click();
    await card.getByLabel('least').fill('5');
    await card.getByLabel('states').fill('open\npaid');
    await card.getByText('?least=5&states=open&states=paid').waitFor();
    await card.getByRole('button', { name: 'Run', exact: true }).click();
    const answer = card.getByRole('region', { name: 'Answer of QueryCheck' });
    await answer.waitFor();
    assert.equal(JSON.parse(await answer.innerText())[NAME].length, 3);
    await card.getByLabel('least').fill('much');
    await card.getByRole('button', { name: 'Run', exact: true }).click();
    await card.getByRole('alert').waitFor();
    await card.getByText('Use it elsewhere').click();
    await card.getByRole('tab', { name: 'Python' }).click();

    // A table of several root fields cannot be made; the reason is told.
    const two = page.getByRole('listitem', { name: 'Saved query QueryCheckTwo' });
    await two.getByText('Run it', { exact: true }).click();
    await two.getByRole('button', { name: 'Download as CSV' }).click();
    await two.getByRole('alert').getByText('Ask for JSON').waitFor();
    forgive(options.faults, '400', '422');

    await ask(page, options, 'mutation ($name: String!) { dropDataset(dataset: $name) { name } }', {
      name: NAME,
    });
    await openScreen(page, options, '/');
    await page.getByRole('link', { name: 'Saved queries' }).click();
    await card.getByText('broken').waitFor();
    await card.getByText(/It cannot be run now/).waitFor();
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await assertAccessible(page, `broken saved queries, ${colorScheme}`);
    }
    await putDataset(page, options, NAME, CSV);
    await page.setViewportSize({ width: 360, height: 720 });
    await openScreen(page, options, '/queries?q=orders+nothing');
    await page.getByText('None has these words.').waitFor();
    await page.getByLabel('Search names and descriptions').fill('QueryCheckTwo');
    await two.getByText('Use it elsewhere').click();
    await two.getByRole('region', { name: 'QueryCheckTwo in curl' }).waitFor();
    await two.getByRole('button', { name: 'Run', exact: true }).click();
    await two.getByRole('region', { name: 'Answer of QueryCheckTwo' }).waitFor();
    await assertNoSidewaysScroll(page);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await assertAccessible(page, `an open saved query, ${colorScheme}`);
    }
    await two.getByRole('button', { name: 'Edit QueryCheckTwo' }).click();
    await page.getByRole('dialog').waitFor();
    await assertNoSidewaysScroll(page);
  },

  'without saved queries their room says what it is for': async (page, options) => {
    await page.route('**/graphql', async (route) => {
      const isAsked = route.request().postData()?.includes('PlaygroundSavedQueries') ?? false;
      await (isAsked ? route.fulfill({ json: { data: { savedQueries: [] } } }) : route.continue());
    });
    await openScreen(page, options, '/queries');
    await page.getByText('There is no saved query yet.').waitFor();
    await assertAccessible(page, 'no saved query');
  },

  'who may only read runs saved queries, and is offered no change': async (page, options) => {
    await prepare(page, options, { QueryCheck: DOCUMENT });
    const { createKey } = await ask(
      page,
      options,
      'mutation { createKey(name: "query check", scope: READ, days: 1) { key } }',
    );
    await openScreen(page, { ...options, key: createKey.key }, '/queries?q=QueryCheck');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('region', { name: 'Answer of QueryCheck' }).getByText('10.50').waitFor();
    for (const name of ['Edit QueryCheck', 'Delete QueryCheck']) {
      assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    }
    await page.getByRole('button', { name: 'Open in GraphiQL: QueryCheck' }).click();
    await page.locator('.graphiql-tab-active').getByText('QueryCheck').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Save query' }).count(), 0);
  },
};
