import assert from 'node:assert/strict';
import { ask, openScreen } from '../page.mjs';
import { ordersCsv } from './files.mjs';
import { clear, put } from './start.mjs';

export const journeys = {
  'a script: uploads, repeats itself, replaces and fails; the page tells what it did': async (
    page,
    options,
  ) => {
    const { step } = options;
    await clear(page, options);

    step('a file is loaded, and once more by a retry');
    const id = `journey-${Date.now()}`;
    const first = await put(options, 'journeycron', ordersCsv(50), `&requestId=${id}`);
    const again = await put(options, 'journeycron', ordersCsv(50), `&requestId=${id}`);
    assert.equal(first.status, 200);
    assert.equal(again.answer.job.id, first.answer.job.id);

    step('an open page sees the replacement');
    const isListening = listening(page, 'journeycron');
    await openScreen(page, options, '/datasets/journeycron');
    await page
      .getByText(/^50 rows/)
      .first()
      .waitFor();
    await isListening;
    assert.equal((await put(options, 'journeycron', ordersCsv(60), '&mode=replace')).status, 200);
    await page
      .getByText(/60 rows/)
      .first()
      .waitFor();

    step('a file that does not fit is refused, and the page says why');
    await ask(
      page,
      options,
      'mutation { alterColumn(dataset: "journeycron", column: "order", type: INT) { job { id } } }',
    );
    const bad = await put(options, 'journeycron', 'Order,Day\nx,2025-01-01\n', '&mode=append');
    assert.notEqual(bad.status, 200);
    const { dataset } = await ask(page, options, '{ dataset(name: "journeycron") { rowCount } }');
    assert.equal(dataset.rowCount, '60');
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    const job = page.getByRole('listitem', { name: /journeycron$/ }).first();
    await job.getByText('FAILED').waitFor();
    await job.locator('.failure').waitFor();
  },
};

/** Resolves when the page has asked to be told of changes of this dataset. */
function listening(page, name) {
  return new Promise((resolve) => {
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        const text = String(payload);
        if (text.includes('datasetChanged') && text.includes(name)) resolve();
      }),
    );
  });
}
