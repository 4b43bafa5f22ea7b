import assert from 'node:assert/strict';
import {} from '../page.mjs';

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
    await field.fill('a-key-that-nobody-has');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    // Chromium reports the refusal itself as an error; nothing else may be wrong.
    await page.waitForTimeout(100);
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('401')));
    await field.fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Datasets' }).waitFor();
  },

  'a file is loaded, and replaced when asked': async (page, { url, key, faults }) => {
    await page.goto(`${url}/#key=${encodeURIComponent(key)}`);
    const card = page.getByRole('article', { name: 'sluicecheck.csv' });
    const upload = (content) =>
      page.locator('header input[type=file]').setInputFiles({
        name: 'sluicecheck.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(content),
      });
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
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('409')));
  },
};
