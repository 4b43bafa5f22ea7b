import {
  openReadyQuery,
  openGrid,
  runQuery,
  assertAccessible,
  assertNoSidewaysScroll,
} from '../page.mjs';

export const checks = {
  'no serious accessibility fault': async (page, options) => {
    await page.goto(options.url);
    await page.getByLabel('API key').waitFor();
    await assertAccessible(page, 'sign-in');
    const dataset = await openReadyQuery(page, options);
    await runQuery(page, dataset.listField);
    await assertAccessible(page, 'GraphiQL, light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.waitForTimeout(300);
    await assertAccessible(page, 'GraphiQL, dark');
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await assertAccessible(page, 'GraphiQL, as a table, dark');
    await openGrid(page, options);
    await assertAccessible(page, 'grid, dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await assertAccessible(page, 'grid, light');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await assertAccessible(page, 'filter form');
  },

  'every screen fits 360 px': async (page, options) => {
    await page.setViewportSize({ width: 360, height: 720 });
    await openReadyQuery(page, options);
    await assertNoSidewaysScroll(page);
    await openGrid(page, options);
    await assertNoSidewaysScroll(page);
  },
};
