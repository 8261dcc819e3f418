// The page as a whole: it opens, shows what it was given as text, keeps to itself, and looks right everywhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HOSTILE, small } from '../small.ts';
import { open } from './browser.ts';

test('a report opens without a network, an error, or a script of the target', async () => {
  const { page, quiet } = await open(small);
  assert.equal(await page.title(), 'sessions (pid 21291) · mapscope');
  assert.equal(await page.locator('h1').innerText(), 'sessions');
  const titles = await page.locator('main h2').evaluateAll((all) => all.map((h) => h.firstChild?.textContent));
  assert.deepEqual(titles, [
    'Findings',
    'What changed',
    'Where memory piles up',
    'Where 872 MiB of RSS went',
    'Who holds what',
    'Maps',
    'Types',
    'Goroutines',
  ]);
  assert.equal(await page.evaluate('window.hacked'), undefined);
  assert.equal(await page.locator('body script').count(), 3);
  assert.equal(await page.locator('img').count(), 0);
  assert.ok((await page.locator('.finding.low .subject').innerText()).startsWith('main.evil</script>'));
  assert.equal(await page.locator('.partial li').nth(1).innerText(), HOSTILE);
  quiet();
});

test('the policy lets no other script run and nothing be loaded', async () => {
  const { page } = await open(small);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.hacked = 2';
    document.body.append(script);
  });
  assert.equal(await page.evaluate('window.hacked'), undefined);
  const loaded = await page.evaluate(() => fetch('data:text/plain,x').then(() => 'loaded', () => 'refused'));
  assert.equal(loaded, 'refused');
});

test('findings come first; none and not asked for are told apart', async () => {
  const { page } = await open(small);
  const severities = await page.locator('.finding .severity').allInnerTexts();
  assert.deepEqual(severities.map((s) => s.toLowerCase()), ['high', 'medium', 'low']);
  assert.equal(await page.locator('.finding').first().locator('.win').innerText(), '398 MiB to win');
  await page.locator('.finding summary').first().click();
  assert.match(await page.locator('.finding dl').first().innerText(), /table\s+400 MiB/);

  const none = await open({ ...small, summary: { ...small.summary, findings: [] } });
  assert.match(await none.page.locator('#findings').innerText(), /No findings\. Every rule was applied/);
  const { findings: _, diff: __, partial: ___, ...rest } = small.summary;
  const unasked = await open({ ...small, summary: rest });
  assert.equal(await unasked.page.locator('#findings, #diff, .partial').count(), 0);
  none.quiet();
  unasked.quiet();
});

test('an empty target has a report too', async () => {
  const empty = {
    summary: {
      ...small.summary,
      memory: { heap_live_bytes: 0, heap_garbage_bytes: 0, heap_fragmentation_bytes: 0, stacks_bytes: 0 },
      heap: { objects: 0, object_bytes: 0, live_objects: 0, live_bytes: 0, roots: 0 },
      holders: [],
      suspects: [],
      findings: [],
      totals: { maps: 0, types: 0, map_table_bytes: 0, map_reclaimable_bytes: 0 },
    },
    tables: {
      ...small.tables,
      maps: { addr: [], owner: [], type: [], impl: [], figures: {}, torn: [], heuristic: [] },
      types: { type: [], count: [], shallow_bytes: [], retained_bytes: [] },
      tree: { depth: [], kind: [], name: [], count: [], shallow: [] },
      occupancy: [],
    },
  };
  const { page, quiet } = await open(empty);
  assert.match(await page.locator('#maps').innerText(), /No live maps/);
  assert.match(await page.locator('#held').innerText(), /No live objects/);
  quiet();
});

test('tables that are damaged leave the rest alive', async () => {
  const { page } = await open({ ...small, tables: { ...small.tables, schema: 'mapscope.report/0' } });
  assert.match(await page.locator('#maps [role=alert]').innerText(), /cannot be read: this page reads mapscope.report\/1/);
  assert.equal(await page.locator('.finding').count(), 3);
});

test('the theme follows the system until one is chosen, and is kept', async () => {
  const { page, quiet } = await open(small, { colorScheme: 'dark' });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole('button', { name: 'Light', exact: true }).click();
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await page.locator('html[data-ready]').waitFor();
  assert.equal(await ground(), light);
  await page.getByRole('button', { name: 'System', exact: true }).click();
  assert.equal(await ground(), dark);
  quiet();
});

test('a phone shows everything without scrolling sideways', async () => {
  const { page, quiet } = await open(small, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await page.locator('#maps tr.row').first().tap();
  await page.locator('.map-detail').waitFor();
  const width = await page.evaluate(() => document.scrollingElement!.scrollWidth);
  assert.equal(width, 390);
  const inside = await page.locator('.table-scroll').evaluateAll((all) => all.map((e) => e.scrollWidth - e.clientWidth));
  assert.deepEqual(inside.filter((more) => more > 0), []);
  const columns = await page.locator('#maps thead th').allInnerTexts();
  assert.deepEqual(columns.map((c) => c.trim().replace(/\s*[↓↑]$/, '')), ['owner', 'occ.', 'table']);
  quiet();
});

test('paper has no controls, light colours and the beginning of each table', async () => {
  const { page, quiet } = await open(small, { colorScheme: 'dark' });
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await page.locator('html[data-theme=light]').waitFor();
  assert.equal(await page.locator('.filter').first().isVisible(), false);
  assert.equal(await page.locator('.sections').isVisible(), false);
  assert.equal(await page.locator('#maps tr.row').count(), 5);
  // As many columns as fit a sheet, however wide the window was.
  const columns = await page.locator('#maps thead th').allInnerTexts();
  assert.deepEqual(columns.map((c) => c.trim().replace(/\s*[↓↑]$/, '')), ['owner', 'entries', 'occ.', 'table', 'reclaim.', 'retained']);
  const pdf = await page.pdf({ format: 'A4' });
  assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
  quiet();
});

test('pictures are drawn anew before a sheet is printed: there is no frame in between', async () => {
  const { page } = await open(small, { colorScheme: 'dark' });
  const [before, printed, after] = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('#held canvas')!;
    const brightness = () => {
      const [red, green, blue] = canvas.getContext('2d')!.getImageData(500, 30, 1, 1).data;
      return red + green + blue;
    };
    const dark = brightness();
    dispatchEvent(new Event('beforeprint'));
    const light = brightness();
    dispatchEvent(new Event('afterprint'));
    return [dark, light, brightness()];
  });
  assert.ok(before < 384 && printed > 384 && after === before, `${before} ${printed} ${after}`);
});

test('every control and picture has a name, every heading its place', async () => {
  const { page } = await open(small);
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, [role=group], [role=application], [role=img], nav, section, table')]
      .filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent?.trim()))
      .map((e) => e.outerHTML.slice(0, 80)),
  );
  assert.deepEqual(unnamed, []);
  const levels = await page.locator('h1, h2, h3').evaluateAll((all) => all.map((h) => Number(h.tagName[1])));
  assert.equal(levels[0], 1);
  levels.forEach((level, i) => assert.ok(i === 0 || level <= levels[i - 1] + 1, `heading ${i}`));
  assert.equal(await page.locator('main').count(), 1);
});
