// Starts the page: what is needed at once is shown at once, the tables as soon as they are unpacked.

import { signal } from '@preact/signals';
import { render } from 'preact';

import type { Tables } from './data.ts';
import { decodeSummary, decodeTables } from './decode.ts';
import { baseName } from './format.ts';
import { subject } from './memory-parts.ts';
import { watchPage } from './page.ts';
import { Report } from './report.tsx';
import './styles/tokens.css';
import './styles/page.css';
import './styles/table.css';
import './styles/sections.css';
import './styles/tree.css';
import './styles/print.css';

function start(): void {
  const root = document.getElementById('report')!;
  const part = (id: string) => document.getElementById(id)?.textContent ?? '';
  watchPage();
  try {
    const summary = decodeSummary(part('summary'));
    const tables = signal<Tables | Error | undefined>(undefined);
    document.title = `${baseName(summary.target.exe)} (${subject(summary.target)}) · mapscope`;
    render(<Report summary={summary} tables={tables} />, root);
    performance.mark('mapscope:summary');
    // After the first frame: it is not to wait for the tables.
    requestAnimationFrame(() =>
      setTimeout(async () => {
        try {
          tables.value = await decodeTables(part('tables'));
        } catch (error) {
          tables.value = error instanceof Error ? error : new Error(String(error));
        }
        performance.mark('mapscope:tables');
        requestAnimationFrame(() => {
          performance.mark('mapscope:ready');
          document.documentElement.dataset.ready = 'true';
        });
      }),
    );
  } catch (error) {
    root.textContent = `This report cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  }
}

start();
