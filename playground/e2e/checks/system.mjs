import assert from 'node:assert/strict';
import { ask, assertAccessible, forgive, openScreen, putDataset } from '../page.mjs';

export const checks = {
  'jobs are listed, their reasons told, and one is begun again': async (page, options) => {
    await putDataset(page, options, 'jobcheck', 'id,n\n1,2\n');
    // It fails: the column does not fit what was declared for it.
    const failed = await page.request.put(
      `${options.url}/upload/jobcheckfails?wait=30&columns=${encodeURIComponent('[{"label":"n","type":"INT"}]')}`,
      {
        headers: { authorization: `Bearer ${options.key}` },
        data: Buffer.from('id,n\n1,x\n'),
      },
    );
    assert.ok(!failed.ok());
    await openScreen(page, options, '/jobs?status=FAILED&dataset=');
    const job = page.getByRole('listitem', { name: 'Load jobcheckfails' }).first();
    await job.waitFor();
    await job.getByText('FAILED').waitFor();
    await job.getByRole('button', { name: 'Particulars' }).click();
    await job.getByText('Rows that did not fit').waitFor();
    await page.waitForURL(/job=/);
    await assertAccessible(page, 'jobs');
    const before = await page.getByRole('listitem', { name: 'Load jobcheckfails' }).count();
    await job.getByRole('button', { name: /^Try again/ }).click();
    await page.waitForFunction(
      (n) => document.querySelectorAll('li[aria-label="Load jobcheckfails"]').length > n,
      before,
    );
    await page.getByLabel('Status').selectOption('');
    await page.getByRole('listitem', { name: 'Load jobcheck', exact: true }).first().waitFor();
  },

  'a job is followed live': async (page, options) => {
    await openScreen(page, options, '/jobs');
    await page.getByRole('list', { name: 'Jobs' }).waitFor();
    const lines = Array.from(
      { length: 700_000 },
      (_, at) => `${at},some text to be read,${at * 3}`,
    );
    const sent = page.request.put(`${options.url}/upload/jobslive?wait=60`, {
      headers: { authorization: `Bearer ${options.key}` },
      data: Buffer.from(`id,t,n\n${lines.join('\n')}\n`),
      timeout: 60_000,
    });
    const job = page.getByRole('listitem', { name: 'Load jobslive' }).first();
    await job.waitFor();
    await sent;
    await job.getByText('SUCCEEDED').waitFor();
  },

  'the system tells its health, sizes, limits, and what a query costs': async (page, options) => {
    await putDataset(page, options, 'systemcheck', 'id,n\n1,2\n');
    // Answered from memory the second time.
    for (let n = 0; n < 2; n += 1) await ask(page, options, '{ systemcheck { id } }');
    await openScreen(page, options, '/system');
    await page.getByText('ready', { exact: true }).waitFor();
    await page.getByText(/^at most .* left$/).waitFor();
    await page.getByRole('heading', { name: 'What takes room' }).waitFor();
    await page
      .getByRole('table', { name: 'What takes room' })
      .getByRole('link', { name: 'systemcheck' })
      .waitFor();
    await page.getByRole('heading', { name: 'Limits in force' }).waitFor();
    await page.getByText('inspections of one key').waitFor();
    const cache = page.getByRole('region', { name: 'Store and cache' });
    await cache.getByText(/^(SQLite|PostgreSQL).* version \d/).waitFor();
    await cache.getByText(/^[\d,]+ of [\d,]+, \d+ %$/).waitFor();
    const query = page.getByLabel('Query', { exact: true });
    await query.fill('{ systemcheck(where: { n: { _eq: 2 } }) { id n } }');
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    await page.getByText(/of at most/).waitFor();
    await page.getByText('The statement and the database’s plan').click();
    await page
      .getByText(/SELECT/)
      .first()
      .waitFor();
    await assertAccessible(page, 'system');
    await query.fill('{ nothing }');
    await page.getByRole('button', { name: 'Explain', exact: true }).click();
    await page.getByRole('alert').waitFor();
    forgive(options.faults, '400');
  },
};
