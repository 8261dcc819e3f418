// How long a large report takes to be there and to answer. No test: times depend on the machine.
// npm run measure; with REPORT=file, that report too.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium, type Page } from 'playwright-core';

import { large } from './large.ts';
import { fill, template } from './pages.ts';

const directory = mkdtempSync(join(tmpdir(), 'mapscope-measure-'));
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

/** Milliseconds from an action to the second frame after it: the first has the result, the second begins when it is on screen. */
async function response(page: Page, action: string): Promise<number> {
  return page.evaluate(
    `new Promise((done) => {
      const started = performance.now();
      (() => { ${action} })();
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - started)));
    })`,
  );
}

const reports: [string, () => string][] = [
  ['a report at its limits', () => fill(template(), large(100_000, 100_000))],
  ['a tree of a million nodes', () => fill(template(), large(100_000, 1_000_000))],
];
const given = process.env['REPORT'];
if (given !== undefined) reports.unshift([given, () => readFileSync(given, 'utf8')]);
for (const [name, make] of reports) {
  const file = join(directory, 'report.html');
  const text = make();
  writeFileSync(file, text);
  const runs: Record<string, number[]> = {};
  const add = (what: string, ms: number) => (runs[what] ??= []).push(ms);
  for (let run = 0; run < 5; run++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(`file://${file}`);
    await page.locator('html[data-ready]').waitFor();
    const marks: Record<string, number> = await page.evaluate(() =>
      Object.fromEntries(performance.getEntriesByType('mark').map((m) => [m.name, m.startTime])),
    );
    add('summary is there', marks['mapscope:summary']);
    add('everything is there', marks['mapscope:ready']);
    add('sort the maps', await response(page, `document.querySelector('#maps thead th:nth-child(3) button').click()`));
    add('filter the maps', await response(page, `const i = document.querySelector('#maps input[type=search]'); i.value = 'main'; i.dispatchEvent(new Event('input', { bubbles: true }))`));
    const key = (k: string) => `document.querySelector('#held .picture').dispatchEvent(new KeyboardEvent('keydown', { key: '${k}', bubbles: true }))`;
    add('draw the icicle', await response(page, key('-') + ';' + key('+')));
    await response(page, `document.querySelectorAll('#held .toolbar button')[2].click()`);
    add('draw the treemap', await response(page, `document.documentElement.dataset.theme = 'dark'; document.querySelectorAll('.themes button')[2].click()`));
    add('turn to types first', await response(page, `document.querySelectorAll('#held .toolbar button')[4].click()`));
    await context.close();
  }
  console.log(`${name}: ${(text.length / 1e6).toFixed(2)} MB`);
  for (const [what, times] of Object.entries(runs)) console.log(`  ${what.padEnd(22)} ${median(times).toFixed(0).padStart(5)} ms`);
}
await browser.close();
rmSync(directory, { recursive: true });
