// Whole journeys of the people Sluice is for, from the file to the answer, in headless Chromium
// against a real server; and a look at every screen at three widths.
//
//   npm run journeys -- --url http://127.0.0.1:8080 --key KEY [--only WORDS] [--megabytes 100]
//                       [--screenshots DIR] [--chromium /usr/bin/chromium]
//
// The key is an admin's. Datasets and saved queries named `journey…` are made anew. Exit code 0 when every journey
// was made. DIR keeps a screenshot of each that failed, and of each screen that was looked at.
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { STEP_TIMEOUT_MS, watchFaults, withBrowser, within } from './browser.mjs';
import { journeys as analyst } from './journeys/analyst.mjs';
import { journeys as developer } from './journeys/developer.mjs';
import { journeys as operator } from './journeys/operator.mjs';
import { journeys as reporter } from './journeys/reporter.mjs';
import { journeys as screens } from './journeys/screens.mjs';
import { journeys as script } from './journeys/script.mjs';

const journeys = { ...analyst, ...developer, ...script, ...operator, ...reporter, ...screens };
/** A debug build reads 100 MB for minutes. */
const JOURNEY_TIMEOUT_MS = 1_200_000;

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    only: { type: 'string' },
    megabytes: { type: 'string', default: '100' },
    screenshots: { type: 'string', default: join(tmpdir(), 'sluice-journeys') },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
  },
});
if (!options.url || !options.key) {
  console.error('usage: node e2e/journeys.mjs --url URL --key KEY [--only WORDS]');
  process.exit(2);
}
await mkdir(options.screenshots, { recursive: true });

let nMade = 0;
let nFailed = 0;
await withBrowser(options.chromium, async (browser) => {
  for (const [name, journey] of Object.entries(journeys)) {
    if (options.only && !name.includes(options.only)) continue;
    await make(browser, name, journey);
  }
});
console.log(`${nMade} made, ${nFailed} failed`);
process.exit(nFailed === 0 && nMade > 0 ? 0 : 1);

async function make(browser, name, journey) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(STEP_TIMEOUT_MS);
  const page = await context.newPage();
  const faults = watchFaults(page, options.url);
  const steps = [];
  /** Names what is done, so that a failure says where it was. */
  const step = (words) => steps.push(words);
  try {
    await within(JOURNEY_TIMEOUT_MS, journey(page, { ...options, faults, step }));
    if (faults.length > 0) throw new Error(faults.join('; '));
    nMade += 1;
    console.log(`made    ${name} (${steps.length} steps)`);
  } catch (error) {
    nFailed += 1;
    const screenshot = join(options.screenshots, `${name.replace(/\W+/g, '-')}.png`);
    await page.screenshot({ path: screenshot, timeout: 5_000 }).catch(() => undefined);
    console.log(`FAILED  ${name}, at "${steps.at(-1) ?? 'the start'}": ${error.message}`);
    for (const fault of faults) console.log(`        ${fault}`);
    console.log(`        ${screenshot}`);
  } finally {
    await within(STEP_TIMEOUT_MS, context.close()).catch(() => undefined);
  }
}
