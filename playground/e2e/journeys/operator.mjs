import assert from 'node:assert/strict';
import { openScreen } from '../page.mjs';
import { ordersCsv } from './files.mjs';
import { clear, put } from './start.mjs';

export const journeys = {
  'an operator: is it well, what does it do, who did what': async (page, options) => {
    const { step, url } = options;
    await clear(page, options);
    assert.equal((await put(options, 'journeyorders', ordersCsv())).status, 200);

    step('probes answer without a key');
    for (const probe of ['healthz', 'readyz']) {
      assert.equal((await fetch(`${url}/${probe}`)).status, 200, probe);
    }

    step('the state of the system is told');
    await openScreen(page, options, '/system');
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor();

    step('the load is among the jobs');
    await openScreen(page, options, '/jobs');
    await page
      .getByText(/journeyorders/)
      .first()
      .waitFor();

    step('the audit log names it');
    await openScreen(page, options, '/access?tab=audit');
    const log = page.getByRole('table', { name: 'Audit log' });
    await page.getByLabel('To what').fill('journeyorders');
    await log
      .getByRole('row', { name: /journeyorders/ })
      .first()
      .waitFor();
  },
};
