// Uses the playground of a running server as a person would, in headless Chromium.
//
//   node e2e/run.mjs --url http://127.0.0.1:8080 --key KEY [--dataset orders]
//                    [--screenshots DIR] [--chromium /usr/bin/chromium]
//                    [--rooms shell,grid] [--only WORDS]
//
// The dataset needs at least one row. Exit code 0 when every check passed. A failed check leaves
// a screenshot in DIR (the system's temporary folder by default).
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { STEP_TIMEOUT_MS, watchFaults, withBrowser, within } from './browser.mjs';
import { checks as access } from './checks/access.mjs';
import { checks as dataset } from './checks/dataset.mjs';
import { checks as editor } from './checks/editor.mjs';
import { checks as everywhere } from './checks/everywhere.mjs';
import { checks as grid } from './checks/grid.mjs';
import { checks as inspect } from './checks/inspect.mjs';
import { checks as queries } from './checks/queries.mjs';
import { checks as reference } from './checks/reference.mjs';
import { checks as shell } from './checks/shell.mjs';
import { checks as system } from './checks/system.mjs';
import { makeKey } from './page.mjs';

/** In the order they are run. Each gets a fresh page. */
const rooms = {
  shell,
  inspect,
  access,
  system,
  editor,
  dataset,
  grid,
  queries,
  reference,
  everywhere,
};

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    dataset: { type: 'string', default: 'orders' },
    screenshots: { type: 'string', default: join(tmpdir(), 'sluice-e2e') },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    rooms: { type: 'string', default: Object.keys(rooms).join() },
    only: { type: 'string' },
  },
});
if (!options.url || !options.key) {
  console.error('usage: node e2e/run.mjs --url URL --key KEY [--dataset NAME]');
  process.exit(2);
}

const checks = Object.assign({}, ...options.rooms.split(',').map((name) => rooms[name]));

const CHECK_TIMEOUT_MS = 60_000;

await mkdir(options.screenshots, { recursive: true });
let nPassed = 0;
let nFailed = 0;
await withBrowser(options.chromium, async (browser) => {
  for (const [name, check] of Object.entries(checks)) {
    if (options.only && !name.includes(options.only)) continue;
    await runCheck(browser, name, check);
  }
});
console.log(`${nPassed} passed, ${nFailed} failed`);
process.exit(nFailed === 0 && nPassed > 0 ? 0 : 1);

async function runCheck(browser, name, check) {
  // A context of its own: no storage is left over from the check before.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(STEP_TIMEOUT_MS);
  const page = await context.newPage();
  const faults = watchFaults(page, options.url);
  try {
    // A key of its own: a key may load only so many files in an hour.
    const { key } = await makeKey(page, options, { name: `check: ${name}`, scope: 'ADMIN' });
    await within(CHECK_TIMEOUT_MS, check(page, { ...options, key, faults }));
    if (faults.length > 0) throw new Error(faults.join('; '));
    nPassed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    nFailed += 1;
    const screenshot = join(options.screenshots, `${name.replace(/\W+/g, '-')}.png`);
    await page.screenshot({ path: screenshot, timeout: 5000 }).catch(() => undefined);
    console.log(`FAILED  ${name}: ${error.message}`);
    for (const fault of faults) console.log(`        ${fault}`);
    console.log(`        ${screenshot}`);
  } finally {
    await within(STEP_TIMEOUT_MS, context.close()).catch(() => undefined);
  }
}
