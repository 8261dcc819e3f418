// Tables: sorted, filtered, opened, scrolled, by mouse and by keyboard.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { large } from '../large.ts';
import { HOSTILE, small } from '../small.ts';
import { firstColumn, open } from './browser.ts';

const BY_TABLE = [
  'main.sessions.byID',
  'main.index',
  'goroutine 7 github.com/example/platform/internal/worker.(*Pool).dispatch: seen',
  HOSTILE,
  'main.(*Hub).run: clients',
];

test('a heading sorts, and sorts the other way', async () => {
  const { page, quiet } = await open(small);
  const heading = (name: string) => page.locator('#maps thead th', { hasText: name });
  assert.deepEqual(await firstColumn(page, 'maps'), BY_TABLE);
  assert.equal(await heading('table').getAttribute('aria-sort'), 'descending');
  await heading('tomb.').locator('button').click();
  assert.deepEqual((await firstColumn(page, 'maps')).slice(0, 2), ['main.index', BY_TABLE[2]]);
  assert.equal(await heading('table').getAttribute('aria-sort'), 'none');
  // The torn map has no figure: last in both directions.
  await heading('tomb.').locator('button').press('Enter');
  assert.equal(await heading('tomb.').getAttribute('aria-sort'), 'ascending');
  assert.equal((await firstColumn(page, 'maps'))[4], 'main.(*Hub).run: clients');
  await heading('owner').locator('button').press('Space');
  assert.equal((await firstColumn(page, 'maps'))[0], BY_TABLE[2]);
  quiet();
});

test('words and a least size filter, and the line says how many are left', async () => {
  const { page, quiet } = await open(small);
  const words = page.getByLabel('Filter by owner, type or address');
  const least = page.getByLabel('Least bytes of maps, such as 10MiB');
  const status = page.locator('#maps .shown');
  assert.equal(await status.innerText(), '5 maps');
  await words.fill('MAIN session');
  assert.deepEqual(await firstColumn(page, 'maps'), ['main.sessions.byID', HOSTILE]);
  assert.equal(await status.innerText(), '2 of 5 maps');
  await least.fill('1MiB');
  assert.deepEqual(await firstColumn(page, 'maps'), ['main.sessions.byID']);
  await least.fill('lots');
  assert.equal(await least.getAttribute('aria-invalid'), 'true');
  assert.equal(await status.innerText(), '2 of 5 maps');
  await words.fill('0xc000512300');
  assert.deepEqual(await firstColumn(page, 'maps'), ['main.(*Hub).run: clients']);
  await words.fill('no such map');
  assert.equal(await page.locator('#maps .empty').innerText(), 'No map matches.');
  quiet();
});

test('a map opens in depth, by mouse and by keyboard', async () => {
  const { page, quiet } = await open(small);
  await page.locator('#maps tr.row').first().click();
  const detail = page.locator('.map-detail');
  assert.match(await detail.innerText(), /1,835,008\s*1,795,320 holes \(97\.8%\)/);
  assert.match((await detail.locator('canvas').getAttribute('aria-label')) ?? '', /^Occupancy of 1,835,008 groups\. hole: /);
  assert.match(await detail.locator('figcaption').innerText(), /a cell is 448 groups/);
  await detail.locator('canvas').hover({ position: { x: 2, y: 2 } });
  assert.match(await detail.locator('figcaption').innerText(), /groups 0–447: 5% filled, 31% tombstones/);
  const table = page.locator('#maps .table-scroll');
  await table.press('Escape');
  assert.equal(await detail.count(), 0);
  await table.press('Home');
  for (let i = 0; i < 4; i++) await table.press('ArrowDown');
  await table.press('Enter');
  assert.match(await detail.innerText(), /Torn, so without figures: a goroutine was writing to it/);
  assert.equal(await page.locator('#maps tr[aria-expanded=true]').count(), 1);
  quiet();
});

test('changes are shown by kind', async () => {
  const { page, quiet } = await open(small);
  assert.deepEqual(await firstColumn(page, 'diff'), ['main.sessions.byID', 'main.index']);
  await page.getByRole('button', { name: 'types', exact: true }).click();
  assert.deepEqual(await firstColumn(page, 'diff'), ['string']);
  assert.match(await page.locator('#diff tr.row').innerText(), /\+4\.00 MiB/);
  quiet();
});

test('a hundred thousand rows scroll, sort and filter with few of them in the document', async () => {
  const { page, quiet } = await open(large(100_000, 1000));
  const rows = page.locator('#maps tr.row');
  const few = async () => assert.ok((await rows.count()) < 60, `${await rows.count()} rows`);
  assert.equal(await page.locator('#maps .shown').innerText(), '100,000 maps, the largest of 200,000');
  assert.equal(await page.locator('#maps table').getAttribute('aria-rowcount'), '100001');
  await few();
  const table = page.locator('#maps .table-scroll');
  await table.press('End');
  await page.locator('#maps tr[aria-rowindex="100001"]').waitFor();
  await few();
  await table.evaluate((e) => (e.scrollTop = 1_500_000));
  await page.locator('#maps tr[aria-rowindex="50010"]').waitFor();
  await few();
  await page.locator('#maps thead th', { hasText: 'entries' }).locator('button').click();
  const entries = await page.locator('#maps tr.row td:nth-child(3)').allInnerTexts();
  const numbers = entries.map((text) => Number(text.replaceAll(',', '')));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a));
  await page.getByLabel('Filter by owner, type or address').fill('shards[4242]');
  assert.equal(await page.locator('#maps .shown').innerText(), '4 of 100,000 maps, the largest of 200,000');
  quiet();
});

test('goroutines open with their stacks', async () => {
  const { page, quiet } = await open(small);
  await page.locator('#goroutines tr.row').first().click();
  const stack = page.locator('.stack-detail');
  assert.match(await stack.innerText(), /main\.\(\*Store\)\.watch store\.go:81\s+created by main\.NewStore store\.go:40/);
  assert.match(await stack.innerText(), /waited 1 h 1 min|waited 1 min to 1 d 1 h/);
  quiet();
});
