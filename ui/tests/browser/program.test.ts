// A report that the program itself wrote: `REPORT` names the file that `mapscope demo --format html` made.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { boxes, firstColumn, open } from './browser.ts';

const file = process.env['REPORT'];

test('the demo of the program opens and says what the service said', { skip: file === undefined && 'REPORT is not set' }, async () => {
  const { page, quiet } = await open({ file: file! });
  assert.equal(await page.locator('h1').innerText(), 'sessions');
  assert.equal(await page.locator('#maps .shown').innerText(), '57 maps');
  assert.deepEqual((await firstColumn(page, 'maps')).slice(0, 3), ['main.sessions.byID', 'main.metrics.series', 'main.sessions.tokens']);
  assert.match(await page.locator('#maps tr.row').first().innerText(), /2,000\s+1,048,576\s+0\.2%/);
  await page.locator('#maps tr.row').first().click();
  assert.match(await page.locator('.map-detail figcaption').innerText(), /a cell is 32 groups/);
  assert.match(await page.locator('#tree-focus').innerText(), /^all live objects · 39\.\d MiB, 100% of live · 23 nodes below$/);
  assert.ok((await boxes(page)) > 8);
  assert.match(await page.locator('#goroutines .note').innerText(), /57 goroutines, 6 of the runtime · none is leaked/);
  quiet();
});
