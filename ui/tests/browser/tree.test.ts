// Who holds what: zoomed, searched and walked through, by mouse, touch and keyboard.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Page } from 'playwright-core';

import { large } from '../large.ts';
import { small } from '../small.ts';
import { boxes, crumbs, open } from './browser.ts';

const ROW = 21;
const ALL = 'all live objects';

/** Clicks in a row of an icicle, at a share of its width. */
async function click(page: Page, row: number, share: number): Promise<void> {
  const canvas = page.locator('#held canvas');
  const { width } = (await canvas.boundingBox())!;
  await canvas.click({ position: { x: width * share, y: row * ROW + 8 } });
}

test('a click zooms in, a crumb out', async () => {
  const { page, quiet } = await open(small);
  assert.deepEqual(await crumbs(page), [ALL]);
  await click(page, 1, 0.3);
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions']);
  await click(page, 2, 0.5);
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions', 'map[string]*main.Session']);
  await page.locator('.crumbs button').first().click();
  assert.deepEqual(await crumbs(page), [ALL]);
  await page.locator('#held canvas').hover({ position: { x: 100, y: ROW + 8 } });
  assert.match(await page.locator('.tip').innerText(), /main\.sessions\s+retains 420 MiB, 70\.7% of live/);
  quiet();
});

test('keys walk through the tree and zoom', async () => {
  const { page, quiet } = await open(small);
  const picture = page.locator('#held .picture');
  const focus = page.locator('#tree-focus');
  await picture.focus();
  await picture.press('ArrowDown');
  assert.match(await focus.innerText(), /^main\.sessions · retains 420 MiB, 70\.7% of live · variable · 1 node below$/);
  await picture.press('ArrowRight');
  assert.match(await focus.innerText(), /^main\.index · /);
  await picture.press('ArrowLeft');
  await picture.press('ArrowDown');
  await picture.press('Enter');
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions', 'map[string]*main.Session']);
  await picture.press('Escape');
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions']);
  await picture.press('Home');
  assert.deepEqual(await crumbs(page), [ALL]);
  const before = await page.locator('.zoom button').last().isDisabled();
  await picture.press('+');
  assert.deepEqual([before, await page.locator('.zoom button').last().isDisabled()], [true, false]);
  await picture.press('Shift+ArrowRight');
  await picture.press('-');
  await picture.press('0');
  assert.equal(await page.locator('.zoom button').last().isDisabled(), true);
  await picture.press('/');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'search');
  quiet();
});

test('a search says what it found and goes there', async () => {
  const { page, quiet } = await open(small);
  const search = page.getByLabel('Find names in the tree; Enter goes to the next');
  await search.fill('session');
  assert.equal(await page.locator('#held .toolbar .shown').innerText(), '3 nodes, 420 MiB (70.7%)');
  await search.press('Enter');
  await search.press('Enter');
  assert.match(await page.locator('#tree-focus').innerText(), /^map\[string\]\*main\.Session · /);
  await search.fill('nothing like it');
  assert.equal(await page.locator('#held .toolbar .shown').innerText(), 'nothing found');
  quiet();
});

test('the same tree as flame graph and treemap, and types first', async () => {
  const { page, quiet } = await open(small);
  await page.getByRole('button', { name: 'Flame graph' }).click();
  const canvas = page.locator('#held canvas');
  const { width, height } = (await canvas.boundingBox())!;
  // The whole is at the bottom, holders above it.
  await canvas.click({ position: { x: width * 0.3, y: height - ROW - 8 } });
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions']);
  await page.getByRole('button', { name: 'Treemap' }).click();
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions']);
  await page.getByRole('button', { name: 'Reset' }).click();
  assert.ok((await boxes(page)) >= 6);
  await page.getByRole('button', { name: 'Types first' }).click();
  await page.getByRole('button', { name: 'Icicle' }).click();
  await click(page, 1, 0.2);
  assert.deepEqual(await crumbs(page), [ALL, 'map[string]*main.Session']);
  assert.match(await page.locator('#tree-focus').innerText(), /^map\[string\]\*main\.Session · 1 object of 400 MiB, 67\.3% of live · 1 node below$/);
  quiet();
});

test('drag and wheel move a picture that is near', async () => {
  const { page, quiet } = await open(small);
  await click(page, 1, 0.3);
  const canvas = page.locator('#held canvas');
  const box = (await canvas.boundingBox())!;
  await page.mouse.move(box.x + 600, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + 100, box.y + 30, { steps: 4 });
  await page.mouse.up();
  // Part of the next holder is in sight now, so what is shown is the whole.
  assert.deepEqual(await crumbs(page), [ALL]);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, 2000);
  await page.mouse.wheel(0, 2000);
  await page.keyboard.up('Control');
  quiet();
});

test('zooming is a movement, unless the system asks for none', async () => {
  const { page, quiet } = await open(small, { reducedMotion: 'no-preference' });
  const reset = page.getByRole('button', { name: 'Reset' });
  await click(page, 1, 0.3);
  await page.locator('.zoom button:last-child:enabled').waitFor();
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions']);
  await reset.click();
  // It can be pressed until the whole is there again.
  await page.locator('.zoom button:last-child:disabled').waitFor();
  assert.deepEqual(await crumbs(page), [ALL]);
  quiet();
});

test('a finger first asks, then zooms', async () => {
  const { page, quiet } = await open(small, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const canvas = page.locator('#held canvas');
  await canvas.tap({ position: { x: 60, y: ROW + 8 } });
  assert.deepEqual(await crumbs(page), [ALL]);
  assert.match(await page.locator('#tree-focus').innerText(), /^main\.sessions/);
  await canvas.tap({ position: { x: 60, y: ROW + 8 } });
  assert.deepEqual(await crumbs(page), [ALL, 'main.sessions']);
  quiet();
});

test('of a million nodes only what is visible is drawn', async () => {
  const { page, quiet } = await open(large(100, 1_000_000));
  const { width } = (await page.locator('#held canvas').boundingBox())!;
  const rows = 28; // on screen at most
  assert.ok((await boxes(page)) > 500 && (await boxes(page)) <= (width + 1) * rows, `${await boxes(page)}`);
  const picture = page.locator('#held .picture');
  await picture.focus();
  for (let i = 0; i < 6; i++) await picture.press('ArrowDown');
  await picture.press('Enter');
  assert.equal((await crumbs(page)).length, 7);
  assert.ok((await boxes(page)) <= (width + 1) * rows);
  await page.getByRole('button', { name: 'Treemap' }).click();
  assert.ok((await boxes(page)) < 40_000);
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('button', { name: 'Types first' }).click();
  assert.ok((await boxes(page)) > 50);
  quiet();
});
