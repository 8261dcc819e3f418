// Report files for tests, written as mapscope-report/src/html writes them.

import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';

import type { Summary } from '../src/data.ts';
import type { PackedTables } from '../src/decode.ts';

export interface ReportData {
  summary: Summary;
  tables: PackedTables;
}

export function fill(template: string, { summary, tables }: ReportData): string {
  const json = JSON.stringify(summary).replaceAll('<', '\\u003c');
  const packed = deflateRawSync(JSON.stringify(tables)).toString('base64');
  const data =
    `<script type="application/json" id="summary">${json}</script>\n` +
    `<script type="application/octet-stream" id="tables">${packed}</script>`;
  return template.replace('<!--DATA-->', () => data);
}

/** The page that was built; `PAGE` says where. */
export function template(): string {
  return readFileSync(process.env['PAGE'] ?? 'dist/report.html', 'utf8');
}
