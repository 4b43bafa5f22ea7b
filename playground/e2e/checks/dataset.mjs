import assert from 'node:assert/strict';
import { openGrid, rowsArrive, runQuery, assertAccessible } from '../page.mjs';

export const checks = {
  'the grid shows rows, sorts and filters': async (page, options) => {
    const dataset = await openGrid(page, options);
    const table = page.getByRole('table', { name: `Rows of ${options.dataset}` });
    const cells = table.getByRole('row').nth(1).getByRole('cell');
    const id = await cells.first().innerText();

    // By the first column twice, so that the last row comes first.
    const header = table.getByRole('columnheader').first();
    for (const direction of ['ascending', 'descending']) {
      const sorted = rowsArrive(page);
      await header.getByRole('button').click();
      const { rows } = await sorted;
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
    const { rows } = await filtered;
    assert.deepEqual(
      rows.map((row) => String(row.id)),
      [id],
    );
    await page.getByText(`1 row of`).waitFor();

    // Back and forth keep the view, as a shared address does.
    await page.reload();
    await page.getByText(`1 row of`).waitFor();
    await cells.first().getByText(id, { exact: true }).waitFor();

    await page.getByRole('button', { name: 'Query', exact: true }).click();
    await page.locator('.graphiql-tab-active').getByText(`${dataset.typeName}View`).waitFor();
    const answer = await runQuery(page, dataset.listField);
    assert.equal(answer.rows.length, 1);
  },

  'the columns and the notices are told': async (page, options) => {
    const dataset = await openGrid(page, options);
    await page.getByRole('button', { name: 'Columns' }).first().click();
    const columns = page.getByRole('region', { name: 'Columns' });
    for (const { name, label } of dataset.columns.slice(0, 3)) {
      await columns.getByText(name, { exact: true }).first().waitFor();
      await columns.getByText(label, { exact: true }).first().waitFor();
    }
    await columns
      .getByText(/different/)
      .first()
      .waitFor();
    await assertAccessible(page, 'columns');
    await page.getByRole('button', { name: /^Notices/ }).click();
    await page.locator('[aria-label="Notices"], .nothing').waitFor();
    await assertAccessible(page, 'notices');
  },
};
