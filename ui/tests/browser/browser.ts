// Chromium with a report in it, and everything that goes wrong there.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { pathToFileURL } from 'node:url';

import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

import { fill, template, type ReportData } from '../pages.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const directory = mkdtempSync(join(tmpdir(), 'mapscope-ui-'));
const contexts: BrowserContext[] = [];

after(async () => {
  for (const context of contexts) await context.close();
  rmSync(directory, { recursive: true, force: true });
});

export interface Opened {
  page: Page;
  /** Fails when the console had an error, a script threw, or something was asked of a network. */
  quiet: () => void;
}

/** Opens a report in a browser of its own, with a profile that nobody used before. */
export async function open(report: ReportData | { file: string }, options: BrowserContextOptions = {}): Promise<Opened> {
  const executable = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  assert.ok(existsSync(executable), `${executable} is not there; CHROMIUM names another browser`);
  const context = await chromium.launchPersistentContext(mkdtempSync(join(directory, 'profile-')), {
    executablePath: executable,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce', // what an event changes is there when it returns
    ...options,
  });
  contexts.push(context);
  const wrong: string[] = [];
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong.push(`script: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) wrong.push(`request: ${request.url()}`);
  });
  const file = 'file' in report ? report.file : join(mkdtempSync(join(directory, 'report-')), 'report.html');
  if (!('file' in report)) writeFileSync(file, fill(template(), report));
  await page.goto(pathToFileURL(file).href);
  await page.locator('html[data-ready]').waitFor();
  // Pictures are drawn when their size is known, which is one frame or, on a busy machine, several after they are there.
  for (const canvas of await page.locator('#held canvas').all()) await canvas.and(page.locator('[data-boxes]')).waitFor();
  return { page, quiet: () => assert.deepEqual(wrong, []) };
}

/** Owners or names in the rows that are in the document. */
export function firstColumn(page: Page, section: string): Promise<string[]> {
  return page.locator(`#${section} tbody tr.row > th`).evaluateAll((cells) =>
    cells.map((cell) => cell.querySelector('[title]')?.getAttribute('title') ?? cell.textContent ?? ''),
  );
}

/** How many boxes the picture of the tree has. */
export async function boxes(page: Page): Promise<number> {
  return Number(await page.locator('#held canvas').getAttribute('data-boxes'));
}

/** The way to what the tree shows. */
export function crumbs(page: Page): Promise<string[]> {
  return page.locator('.crumbs button').allInnerTexts();
}
