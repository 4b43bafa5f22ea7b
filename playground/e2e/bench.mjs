// Measures the playground in headless Chromium: what the first screens weigh, when they show, and
// how long it takes to answer the hand on a grid of many rows. Prints a table; asserts nothing.
//
//   npm run bench -- --url http://127.0.0.1:8080 --key KEY [--rows 1000000] [--runs 5]
//
// The dataset `bench` is made when it is not there with so many rows. Times are medians, from the
// event of the hand to the frame that shows its effect; use a release build of the server.
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { STEP_TIMEOUT_MS, withBrowser } from './browser.mjs';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    rows: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
  },
});
if (!options.url || !options.key) {
  console.error('usage: node e2e/bench.mjs --url URL --key KEY [--rows N] [--runs N]');
  process.exit(2);
}
const NAME = 'bench';
const N_ROWS = Number(options.rows);
const N_RUNS = Number(options.runs);
const GRID = `${options.url}/datasets/${NAME}`;
const headers = { authorization: `Bearer ${options.key}` };

await makeDataset();
const figures = new Map();
await withBrowser(options.chromium, async (browser) => {
  for (let run = 0; run < N_RUNS; run += 1) {
    await measureSignIn(browser);
    await measureHome(browser);
    await measureGrid(browser);
    console.error(`run ${run + 1} of ${N_RUNS}`);
  }
});
console.table(
  Object.fromEntries(
    [...figures].map(([name, { unit, values }]) => [
      name,
      {
        median: shown(middle(values), unit),
        least: shown(Math.min(...values), unit),
        most: shown(Math.max(...values), unit),
      },
    ]),
  ),
);

/** The sign-in page: a visitor who is not known, without anything in the browser's cache. */
async function measureSignIn(browser) {
  const { page, close } = await open(browser);
  const weigh = await scales(page);
  await page.goto(options.url);
  await page.getByLabel('API key').waitFor();
  await page.waitForLoadState('networkidle');
  await weigh('sign-in page');
  note('sign-in page, first contentful paint', 'ms', await firstPaint(page));
  await close();
}

/** The first screen of who is signed in, without anything in the browser's cache. */
async function measureHome(browser) {
  const { page, close } = await open(browser);
  const weigh = await scales(page);
  await watchFor(page, 'table[aria-label="Datasets"] tbody tr');
  await page.goto(`${options.url}/#key=${encodeURIComponent(options.key)}`);
  note('home, datasets shown', 'ms', await whenMeaningful(page));
  note('home, first contentful paint', 'ms', await firstPaint(page));
  await page.waitForLoadState('networkidle');
  await weigh('home');
  await close();
}

/** Weighs what the page loads from now on; the returned function notes it. */
async function scales(page) {
  const bodies = [];
  const wire = await page.context().newCDPSession(page);
  await wire.send('Network.enable');
  let nBytes = 0;
  wire.on('Network.loadingFinished', ({ encodedDataLength }) => (nBytes += encodedDataLength));
  page.on('response', (response) => bodies.push(response.body().catch(() => Buffer.alloc(0))));
  return async (screen) => {
    note(`${screen}, as transferred`, 'KiB', nBytes / 1024);
    const compressed = (await Promise.all(bodies)).map((body) => brotliCompressSync(body).length);
    note(`${screen}, in Brotli`, 'KiB', compressed.reduce((sum, size) => sum + size, 0) / 1024);
    note(`${screen}, requests`, '', bodies.length);
  };
}

/** Has the page keep the time of the first frame that has such an element. */
function watchFor(page, selector) {
  return page.addInitScript((wanted) => {
    const look = () => {
      if (document.querySelector(wanted)) window.meaningful = window.performance.now();
      else window.requestAnimationFrame(look);
    };
    look();
  }, selector);
}

async function whenMeaningful(page) {
  await page.waitForFunction(() => window.meaningful !== undefined);
  return page.evaluate(() => window.meaningful);
}

async function measureGrid(browser) {
  const { page, close } = await open(browser);
  await watchFor(page, '.grid-cell[data-kind=text]');
  await page.goto(`${GRID}#key=${encodeURIComponent(options.key)}`);
  note('grid, first rows shown', 'ms', await whenMeaningful(page));
  note('grid, first contentful paint', 'ms', await firstPaint(page));

  const grid = page.getByRole('grid');
  const box = await grid.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  note(
    'scroll a page, rows shown',
    'ms',
    await answered(page, 'wheel', 'rows', () => page.mouse.wheel(0, 900)),
  );
  note('scroll for 1 s, longest frame', 'ms', await longestFrame(page));
  await grid.focus();
  note(
    'to the last row, rows shown',
    'ms',
    await answered(page, 'keydown', 'rows', () => page.keyboard.press('Control+End')),
  );
  note(
    'back to the first, rows shown',
    'ms',
    await answered(page, 'keydown', 'rows', () => page.keyboard.press('Control+Home')),
  );
  const cell = page.locator('[data-row="3"] .grid-cell').nth(2);
  await cell.click();
  note(
    'open a cell',
    'ms',
    await answered(page, 'keydown', 'cell', () => page.keyboard.press('Enter')),
  );
  await page.keyboard.press('Escape');

  const header = page.getByRole('columnheader', { name: /^price/ });
  note(
    'sort, rows shown',
    'ms',
    await answered(page, 'click', 'rows', () =>
      header.getByRole('button', { name: /^price/ }).click(),
    ),
  );
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  const form = page.locator('.filter-form');
  await form.getByLabel('Column').selectOption('status');
  await form.getByLabel('Condition').selectOption({ label: 'is' });
  await form.getByLabel('Value').fill('paid');
  note(
    'filter, rows shown',
    'ms',
    await answered(page, 'click', 'rows', () =>
      form.getByRole('button', { name: 'Apply' }).click(),
    ),
  );
  await close();
}

async function open(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(3 * STEP_TIMEOUT_MS);
  return { page: await context.newPage(), close: () => context.close() };
}

/**
 * Milliseconds from the event that `act` brings about to the frame after its effect is there:
 * other rows, all of them read; or a cell that can be typed in.
 */
async function answered(page, event, effect, act) {
  const time = page.evaluate(
    ([type, wanted]) =>
      new Promise((resolve) => {
        const rows = () =>
          [...document.querySelectorAll('.grid-row')].map((row) => row.textContent).join('\n');
        const isPending = () => document.querySelector('.grid-cell[data-kind=pending]') !== null;
        const before = rows();
        const isThere = {
          rows: () => rows() !== before && rows() !== '' && !isPending(),
          cell: () => document.querySelector('.grid .cell-control') !== null,
        }[wanted];
        const begin = ({ timeStamp }) => {
          const look = () => {
            if (!isThere()) window.requestAnimationFrame(look);
            // The frame that has been made is shown when the next one begins.
            else window.requestAnimationFrame(() => resolve(window.performance.now() - timeStamp));
          };
          window.requestAnimationFrame(look);
        };
        window.addEventListener(type, begin, { capture: true, once: true, passive: true });
        window.isArmed = true;
      }),
    [event, effect],
  );
  await page.waitForFunction(() => window.isArmed);
  await act();
  const ms = await time;
  await page.evaluate(() => {
    window.isArmed = false;
  });
  return ms;
}

/** The longest time between two frames while the wheel turns. */
async function longestFrame(page) {
  const longest = page.evaluate(
    () =>
      new Promise((resolve) => {
        let most = 0;
        let last = window.performance.now();
        const end = last + 1_000;
        const look = (now) => {
          most = Math.max(most, now - last);
          last = now;
          if (now > end) resolve(most);
          else window.requestAnimationFrame(look);
        };
        window.requestAnimationFrame(look);
      }),
  );
  for (let turn = 0; turn < 30; turn += 1) await page.mouse.wheel(0, 240);
  return longest;
}

function firstPaint(page) {
  return page.evaluate(
    () => window.performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  );
}

function note(name, unit, value) {
  const figure = figures.get(name) ?? { unit, values: [] };
  figure.values.push(value);
  figures.set(name, figure);
}

function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function shown(value, unit) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`.trim();
}

async function makeDataset() {
  const response = await fetch(`${options.url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ dataset(name: "${NAME}") { rowCount } }` }),
  });
  const { data } = await response.json();
  if (data?.dataset?.rowCount === String(N_ROWS)) return;
  console.error(`loading ${N_ROWS} rows…`);
  const loaded = await fetch(`${options.url}/upload/${NAME}?wait=600&filename=${NAME}.csv`, {
    method: 'PUT',
    headers,
    body: Readable.toWeb(Readable.from(csv())),
    duplex: 'half',
  });
  if (!loaded.ok) throw new Error(await loaded.text());
  const { job } = await loaded.json();
  if (job.status !== 'SUCCEEDED') throw new Error(`the load is ${job.status}: ${job.error}`);
}

/** Rows that are the same in each run. */
function* csv() {
  yield 'id,day,customer,country,status,quantity,price,note\n';
  const statuses = ['new', 'paid', 'shipped', 'delivered', 'returned'];
  const countries = ['AT', 'CH', 'DE', 'DK', 'FR', 'GB', 'PT', 'US'];
  let seed = 12_345;
  const next = (n) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * n);
  };
  let block = '';
  for (let id = 1; id <= N_ROWS; id += 1) {
    const day = new Date(1_700_000_000_000 + next(700) * 86_400_000).toISOString().slice(0, 10);
    const price = `${next(1_000)}.${String(next(100)).padStart(2, '0')}`;
    block += `${id},${day},Customer ${next(5_000)},${countries[next(8)]},${statuses[next(5)]},${1 + next(20)},${price},note ${next(1_000_000)}\n`;
    if (id % 1_000 === 0) {
      yield block;
      block = '';
    }
  }
  yield block;
}
