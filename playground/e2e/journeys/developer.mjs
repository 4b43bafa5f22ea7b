import assert from 'node:assert/strict';
import { ask, executeButton, openScreen, replaceText, runQuery } from '../page.mjs';
import { ordersCsv } from './files.mjs';
import { clear, keyOf, put } from './start.mjs';

export const journeys = {
  'a frontend developer: types, a query built and shared, live data, with a key that reads': async (
    page,
    options,
  ) => {
    const { step, url } = options;
    await clear(page, options);
    assert.equal((await put(options, 'journeyorders', ordersCsv())).status, 200);
    const reader = { ...options, key: await keyOf(page, options, 'READ') };

    step('what may only be read offers nothing to change');
    await openScreen(page, reader, '/datasets/journeyorders');
    await page.getByRole('grid', { name: 'Rows of journeyorders' }).waitFor();
    await page.locator('.grid-cell[data-kind=text]').first().waitFor();
    for (const name of ['Add row', 'Upload']) {
      assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
    }

    step('the view is taken as code');
    await page.getByRole('button', { name: 'Code', exact: true }).click();
    const code = page.getByRole('dialog', { name: 'This view as code' });
    await code.getByRole('tab', { name: 'Apollo' }).click();
    assert.ok((await code.getByRole('region').innerText()).includes('journeyorders'));
    await code.getByRole('tab', { name: 'GraphQL' }).click();
    await code.getByRole('button', { name: 'Open in GraphiQL' }).click();
    await page.locator('.graphiql-tab-active').getByText('JourneyordersView').waitFor();
    await runQuery(page, 'journeyorders');

    step('the schema tells the types');
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    const docs = page.locator('.graphiql-doc-explorer');
    await docs.getByText('journeyordersByPk', { exact: true }).first().waitFor();
    const sdl = await (
      await fetch(`${url}/schema.graphql`, { headers: { 'x-api-key': reader.key } })
    ).text();
    assert.ok(sdl.includes('type Journeyorders'), 'the SDL has no type of the dataset');
    assert.ok(!sdl.includes('insertJourneyorders'), 'a reader is shown what it may not do');

    step('a query is built by clicks');
    await page.getByRole('button', { name: 'New tab' }).click();
    await page.getByRole('button', { name: 'Show Query Builder' }).click();
    const builder = page.locator('.builder');
    await builder.getByLabel('Search fields').fill('journeyordersAggregate');
    await builder.getByRole('checkbox', { name: 'journeyordersAggregate', exact: true }).check();
    const { rows } = await runQuery(page, 'journeyordersAggregate');
    assert.equal(rows.aggregate.count, 400);

    step('the query is shared as a link without the key');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy a link to this query' }).click();
    await page.getByRole('status').getByText('Copied').waitFor();
    const link = await page.evaluate(() => window.navigator.clipboard.readText());
    assert.ok(!link.includes(reader.key), 'the link holds the key');

    step('live data follow a change');
    await replaceText(
      page.locator('.graphiql-query-editor'),
      'subscription Live { journeyordersAggregate { aggregate { count } } }',
    );
    await page.locator('.graphiql-tab-active').getByText('Live').waitFor();
    await executeButton(page).click();
    const live = page.getByRole('region', { name: 'Subscription' });
    await live.getByText('1 answer').waitFor();
    await ask(
      page,
      options,
      'mutation { deleteJourneyorders(where: {id: {_lte: 5}}) { affectedRows } }',
    );
    await live.getByText('2 answers').waitFor();
    await page.locator('.graphiql-response .view-lines').getByText('395').waitFor();
    await live.getByRole('button', { name: 'Stop' }).click();
    await live.getByText('Stopped').waitFor();
  },
};
