import assert from 'node:assert/strict';
import {
  ask,
  forgive,
  openReadyQuery,
  openScreen,
  openTab,
  openGrid,
  runQuery,
  assertAccessible,
  assertNoSidewaysScroll,
} from '../page.mjs';

/** Screens by their addresses and headings. */
const ROOMS = [
  ['/', 'Datasets'],
  ['/jobs', 'Jobs'],
  ['/system', 'System'],
  ['/queries', 'Saved queries'],
  ['/reference', 'API reference'],
  ['/access', 'Keys and people'],
  ['/access?tab=policies', 'Keys and people'],
  ['/access?tab=workspaces', 'Keys and people'],
];

/** The tabs of a dataset's page beside its rows. */
const TABS = [
  'columns',
  'notices',
  'rejects',
  'relations',
  'versions',
  'indexes',
  'tools',
  'webhooks',
  'settings',
];

/** What the grid opens: facets, a column's menu, an editor, a row, the view as code. */
async function assertGridAccessible(page, colours) {
  await page.getByRole('button', { name: 'Facets', exact: true }).click();
  const facets = page.getByRole('complementary', { name: 'Facets' });
  if ((await facets.getByRole('listitem').count()) === 0) {
    await facets.getByLabel('Add a facet').selectOption({ index: 1 });
  }
  await facets.getByRole('listitem').first().waitFor();
  await assertAccessible(page, `facets, ${colours}`);
  await facets.getByRole('button', { name: 'Close the facets' }).click();
  const grid = page.getByRole('grid');
  // What is closed gives the keyboard back.
  const close = async () => {
    await page.keyboard.press('Escape');
    await page.locator('[role=grid]:focus').waitFor();
  };
  await grid.focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByRole('menu').waitFor();
  await assertAccessible(page, `menu of a column, ${colours}`);
  await close();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('F2');
  await page.locator('.cell-control').waitFor();
  await assertAccessible(page, `a cell that is edited, ${colours}`);
  await close();
  await page.keyboard.press('Space');
  await page.getByRole('dialog', { name: /^Value of/ }).waitFor();
  await assertAccessible(page, `the value of a cell, ${colours}`);
  await close();
  await page.keyboard.press('Shift+Enter');
  await page.getByRole('dialog', { name: 'Row 1' }).waitFor();
  await assertAccessible(page, `a row, ${colours}`);
  await close();
  await page.getByRole('button', { name: 'Code', exact: true }).click();
  await page.getByRole('dialog', { name: 'This view as code' }).waitFor();
  await assertAccessible(page, `the view as code, ${colours}`);
  await page.keyboard.press('Escape');
}

export const checks = {
  'no serious accessibility fault on any tab of a dataset': async (page, options) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const view of TABS) {
        await openTab(page, options, options.dataset, view);
        await assertAccessible(page, `${view}, ${colorScheme}`);
      }
      await page.goto(`${options.url}/relations`);
      await page.getByRole('heading', { name: 'Relations', exact: true }).waitFor();
      await assertAccessible(page, `relations of all, ${colorScheme}`);
    }
  },

  'every tab of a dataset fits 360 px': async (page, options) => {
    await page.setViewportSize({ width: 360, height: 720 });
    const { dataset } = await ask(
      page,
      options,
      'query ($name: String!) { dataset(name: $name) { version } }',
      { name: options.dataset },
    );
    for (const view of TABS) {
      await openTab(page, options, options.dataset, view);
      await assertNoSidewaysScroll(page);
      const tab = page.getByRole('tab', { selected: true }).first();
      await tab.waitFor();
      const box = await tab.boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= 360, `the tab ${view} is out of sight`);
    }
    if (dataset.version > 1) {
      await page.goto(
        `${options.url}/datasets/${options.dataset}?view=versions&diff=${encodeURIComponent(JSON.stringify({ from: dataset.version - 1, to: dataset.version }))}`,
      );
      await page.getByRole('button', { name: 'All versions' }).waitFor();
      await assertNoSidewaysScroll(page);
    }
    await page.goto(`${options.url}/relations`);
    await page.getByRole('heading', { name: 'Relations', exact: true }).waitFor();
    await assertNoSidewaysScroll(page);
  },

  'no serious accessibility fault': async (page, options) => {
    await page.goto(options.url);
    await page.getByLabel('API key').waitFor();
    // The browser itself reports that nobody may read here without a key.
    forgive(options.faults, '401');
    await assertAccessible(page, 'sign-in');
    const dataset = await openReadyQuery(page, options);
    await runQuery(page, dataset.listField);
    await assertAccessible(page, 'GraphiQL, light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(300);
    await assertAccessible(page, 'GraphiQL, dark');
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await assertAccessible(page, 'GraphiQL, as a table, dark');
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    await page.locator('.chart-drawing svg').waitFor();
    await page.getByText('Data of the chart').click();
    await assertAccessible(page, 'GraphiQL, as a chart, dark');
    await page.getByRole('button', { name: 'Show Query Builder' }).click();
    await page.getByRole('list', { name: 'Fields of Query' }).waitFor();
    await assertAccessible(page, 'query builder, dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.waitForTimeout(300);
    await assertAccessible(page, 'query builder and chart, light');
    await page.getByRole('button', { name: 'Examples', exact: true }).click();
    await page.getByRole('button', { name: 'The first rows' }).waitFor();
    await assertAccessible(page, 'examples, light');
    await page.keyboard.press('Escape');
    await page.emulateMedia({ colorScheme: 'dark' });
    await openGrid(page, options);
    await assertAccessible(page, 'grid, dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await assertAccessible(page, 'grid, light');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await assertAccessible(page, 'filter form');
    await page.keyboard.press('Escape');
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await assertGridAccessible(page, colorScheme);
    }
  },

  'no serious accessibility fault in the rooms of the shell': async (page, options) => {
    for (const [path, name] of ROOMS) {
      await openScreen(page, options, path);
      await page.getByRole('heading', { name, level: 1 }).waitFor();
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme });
        await assertAccessible(page, `${path}, ${colorScheme}`);
      }
    }
  },

  'every screen fits 360 px': async (page, options) => {
    await page.setViewportSize({ width: 360, height: 720 });
    const dataset = await openReadyQuery(page, options);
    await assertNoSidewaysScroll(page);
    await runQuery(page, dataset.listField);
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    await page.locator('.chart-drawing svg').waitFor();
    await assertNoSidewaysScroll(page);
    await openGrid(page, options);
    await assertNoSidewaysScroll(page);
    await page.getByRole('button', { name: 'Facets', exact: true }).click();
    await page.getByRole('complementary', { name: 'Facets' }).waitFor();
    await assertNoSidewaysScroll(page);
    await page.getByRole('button', { name: 'Close the facets' }).click();
    await page.getByRole('grid').focus();
    await page.keyboard.press('Shift+Enter');
    await page.getByRole('dialog', { name: 'Row 1' }).waitFor();
    await assertNoSidewaysScroll(page);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Code', exact: true }).click();
    await page.getByRole('dialog', { name: 'This view as code' }).waitFor();
    await assertNoSidewaysScroll(page);
    for (const [path, name] of ROOMS) {
      await openScreen(page, options, path);
      await page.getByRole('heading', { name, level: 1 }).waitFor();
      await assertNoSidewaysScroll(page);
    }
    await page.getByRole('button', { name: 'Datasets', exact: true }).click();
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
    await page.keyboard.press('Escape');
  },
};
