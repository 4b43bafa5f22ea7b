import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { assertAccessible, assertNoSidewaysScroll, openScreen } from '../page.mjs';

export const checks = {
  'the API reference tells of every route what it takes and answers': async (page, options) => {
    await openScreen(page, options, '/');
    await page.getByRole('link', { name: 'API reference' }).click();
    await page.getByRole('heading', { name: 'For all routes' }).waitFor();
    const search = page.getByLabel('Search routes');
    await search.fill('no such route');
    await page.getByText('No route has these words.').waitFor();
    await search.fill(`post /${options.dataset}`);
    await page.getByText('1 route', { exact: true }).first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get('q'), `post /${options.dataset}`);
    // The only one that is found is open.
    const body = page.getByRole('region', { name: 'Example: the body' });
    assert.ok(JSON.parse(await body.innerText()).id !== undefined);
    await page.getByText('Idempotency-Key').waitFor();
    await page
      .getByText(/^Fields of .*Input$/)
      .first()
      .click();
    await page.getByText('429').waitFor();
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(300);
      await assertAccessible(page, `a route, ${colorScheme}`);
    }
    await page.setViewportSize({ width: 360, height: 720 });
    await assertNoSidewaysScroll(page);
    // By keys alone: a route of the list is opened.
    await search.fill(`get /${options.dataset}`);
    await page.locator('summary', { hasText: `/api/v1/${options.dataset}/aggregate` }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('groupBy', { exact: true }).waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'openapi.json' }).click(),
    ]);
    assert.equal(JSON.parse(await readFile(await file.path(), 'utf8')).openapi, '3.1.0');
  },

  'what the reference is refused is told, and asked for again': async (page, options) => {
    await page.route('**/openapi.json', (route) =>
      route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: '{"detail":"This key may not do that.","code":"FORBIDDEN","requestId":"abc"}',
      }),
    );
    await openScreen(page, options, '/reference');
    await page.getByRole('alert').getByText('This key may not do that.').waitFor();
    options.faults.length = 0;
    await page.unroute('**/openapi.json');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'For all routes' }).waitFor();
  },
};
