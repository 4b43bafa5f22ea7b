import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ask, assertNoSidewaysScroll, openDocument, openScreen, runQuery } from '../page.mjs';
import { ordersCsv } from './files.mjs';
import { clear, put } from './start.mjs';

const WIDTHS = [360, 768, 1440];
const DATASET = '/datasets/journeyorders';
/** Addresses, and what is there when the screen is. */
const SCREENS = [
  ['/', '#main'],
  [DATASET, '.grid-cell[data-kind=text]'],
  ...['columns', 'relations', 'versions', 'indexes', 'tools', 'settings'].map((view) => [
    `${DATASET}?view=${view}`,
    `[role=tabpanel][data-view=${view}]`,
  ]),
  ['/relations', 'h1'],
  ['/queries', 'li.card'],
  ['/queries?q=journeyLong', '.query-part button'],
  ['/reference', '.operations'],
  ['/jobs', 'h1'],
  ['/system', 'h1'],
  ['/access', 'h1'],
];

export const journeys = {
  'every screen at 360, 768 and 1440 px, light and dark: nothing overflows or is covered': async (
    page,
    options,
  ) => {
    await clear(page, options);
    assert.equal((await put(options, 'journeyorders', ordersCsv())).status, 200);
    // A name that has no room in the list.
    const long = `journey${'Long'.repeat(12)}`;
    assert.equal((await put(options, long, ordersCsv(3))).status, 200);
    await ask(
      page,
      options,
      'mutation ($name: String!) { saveQuery(name: $name, document: "query($least: Decimal, $states: [String!]) { journeyorders(where: {status: {_in: $states}, total: {_gte: $least}}) { id } }") { name } }',
      { name: long },
    );
    /** What is wrong, and on which screens. */
    const faults = new Map();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        for (const [path, sign] of SCREENS) {
          options.step(`${path}, ${width} px, ${colorScheme}`);
          await openScreen(page, options, path);
          await page.locator(sign).first().waitFor();
          await look(page, options, faults, `${path} ${width} ${colorScheme}`);
        }
        options.step(`/graphiql, ${width} px, ${colorScheme}`);
        await openDocument(page, options, '{ journeyorders { id status total } }');
        await runQuery(page, 'journeyorders');
        for (const view of ['JSON', 'Table', 'Chart']) {
          await page.getByRole('button', { name: view, exact: true }).click();
          if (view === 'Chart') await page.locator('.chart-drawing svg').waitFor();
          await look(page, options, faults, `/graphiql ${view} ${width} ${colorScheme}`);
        }
      }
    }
    assert.ok(
      faults.size === 0,
      [...faults].map(([fault, screens]) => `\n        ${fault}: ${screens.join(', ')}`).join(''),
    );
  },
};

/** Keeps a picture, and notes what hangs out of the window or lies under something else. */
async function look(page, { screenshots }, faults, name) {
  const file = `screen-${name.replace(/\W+/g, '-')}.png`;
  await page.screenshot({ path: join(screenshots, file) });
  const found = [...(await coveredControls(page)), ...(await boxesThatScrollSideways(page))];
  await assertNoSidewaysScroll(page).catch((error) => found.push(error.message));
  for (const fault of found) faults.set(fault, [...(faults.get(fault) ?? []), name]);
}

/** Boxes wider inside than outside that no keyboard can scroll: a list that hangs over its column. */
function boxesThatScrollSideways(page) {
  return page.evaluate(() =>
    [
      ...document.querySelectorAll('#main, nav, nav *, main section, header, [role=dialog]'),
    ].flatMap((box) => {
      const { overflowX } = window.getComputedStyle(box);
      const hangs = box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0;
      const isMeant = box.tabIndex >= 0 || box.closest('.monaco-editor, .graphiql-container');
      if (!hangs || isMeant || !['auto', 'scroll'].includes(overflowX)) return [];
      return [
        `${box.localName}.${box.className} (${box.scrollWidth} in ${box.clientWidth} px) hangs over`,
      ];
    }),
  );
}

/** Controls in view whose middle belongs to something else. */
function coveredControls(page) {
  return page.evaluate(() => {
    const controls = document.querySelectorAll('button, a[href], input, select, textarea');
    return [...controls].flatMap((control) => {
      const box = control.getBoundingClientRect();
      // What is unseen on purpose, or Monaco's, which lies under its own text.
      const isSmall = box.width < 8 || box.height < 8;
      if (isSmall || control.closest('.monaco-editor, .unseen, [inert]')) return [];
      if (!control.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return [];
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      if (x < 0 || y < 0 || x >= window.innerWidth || y >= window.innerHeight) return [];
      if (isClipped(control, x, y)) return [];
      const top = document.elementFromPoint(x, y);
      const label = control.closest('label') ?? control.labels?.[0];
      const isFine =
        top === null || control.contains(top) || top.contains(control) || label?.contains(top);
      if (isFine) return [];
      const name = control.getAttribute('aria-label') ?? control.textContent.trim();
      return [
        `${control.localName} "${name.slice(0, 40)}" under ${top.localName}.${top.className}`,
      ];
    });

    /** Whether an ancestor that scrolls has moved this place out of sight. */
    function isClipped(element, x, y) {
      for (let outer = element.parentElement; outer; outer = outer.parentElement) {
        if (window.getComputedStyle(outer).overflow === 'visible') continue;
        const box = outer.getBoundingClientRect();
        if (x < box.left || x > box.right || y < box.top || y > box.bottom) return true;
      }
      return false;
    }
  });
}
