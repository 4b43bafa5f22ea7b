// The browser that checks, journeys and benches use.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const STEP_TIMEOUT_MS = 30_000;

// Debian's Chromium, as root, on a machine whose network is closed: without these it asks its
// maker's hosts for updates at every start.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Runs `use` with a browser that is closed, and whose profile is removed, whatever happens. */
export async function withBrowser(executablePath, use) {
  const profile = await mkdtemp(join(tmpdir(), 'sluice-chromium-'));
  const started = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: FLAGS,
    timeout: STEP_TIMEOUT_MS,
  });
  try {
    return await use(started.browser());
  } finally {
    await within(STEP_TIMEOUT_MS, started.close()).catch(() => undefined);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Collects what must never happen on any page: foreign requests, CSP violations, errors. */
export function watchFaults(page, url) {
  const faults = [];
  const { origin } = new URL(url);
  page.on('request', (request) => {
    const target = new URL(request.url());
    if (!['data:', 'blob:'].includes(target.protocol) && target.origin !== origin) {
      faults.push(`a request to a third party: ${request.url()}`);
    }
  });
  page.on('pageerror', (error) => faults.push(`an uncaught error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`an error on the console: ${message.text()}`);
  });
  return faults;
}

/** The promise, or a rejection after so many milliseconds. */
export function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
