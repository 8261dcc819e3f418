// The report as a page: findings first.

import { type ReadonlySignal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

import type { Heap, MemoryUse, Summary, Tables } from './data.ts';
import { Diff } from './diff.tsx';
import { Findings } from './findings.tsx';
import { baseName, bytes, count, duration, plural, shortCount } from './format.ts';
import { Goroutines } from './goroutines.tsx';
import { Holders } from './holders.tsx';
import { Maps } from './maps.tsx';
import { Memory } from './memory.tsx';
import { counted, differs, memoryTitle, subject } from './memory-parts.ts';
import { type Theme, theme } from './page.ts';
import { Suspects } from './suspects.tsx';
import { TreeView } from './tree/view.tsx';
import { Types } from './types.tsx';

export interface ReportProps {
  summary: Summary;
  /** The tables, once they are unpacked; or why they cannot be. */
  tables: ReadonlySignal<Tables | Error | undefined>;
}

interface Section {
  id: string;
  /** In the navigation. */
  short: string;
  title: string;
  note?: string | undefined;
  body: ComponentChildren;
}

export function Report({ summary, tables }: ReportProps) {
  const sections = sectionsOf(summary, tables.value);
  return (
    <>
      <a class="skip" href="#content">Skip to the report</a>
      <Masthead summary={summary} />
      <Navigation sections={sections} />
      <main id="content">
        {summary.partial && summary.partial.length > 0 && <Partial reasons={summary.partial} />}
        {sections.map(({ id, title, note, body }) => (
          <section key={id} id={id} aria-labelledby={`${id}-title`}>
            <h2 id={`${id}-title`}>
              {title}
              {note !== undefined && <span class="aside">{note}</span>}
            </h2>
            {body}
          </section>
        ))}
      </main>
      <footer class="foot">
        Written by mapscope. Bytes are slots of the heap; what is marked ~ or called a guess is one. A torn map was being
        written when it was read.
      </footer>
    </>
  );
}

function sectionsOf(summary: Summary, tables: Tables | Error | undefined): Section[] {
  const { findings, diff, suspects, heap, totals } = summary;
  const live = heap.live_bytes;
  const sections: Section[] = [];
  const add = (id: string, short: string, title: string, body: ComponentChildren, note?: string) =>
    sections.push({ id, short, title, body, note });
  const unpacked = (body: (tables: Tables) => ComponentChildren) =>
    tables === undefined ? (
      <p class="calm" aria-busy="true">Unpacking …</p>
    ) : tables instanceof Error ? (
      <p class="torn-why" role="alert">This part of the file cannot be read: {tables.message}</p>
    ) : (
      body(tables)
    );
  if (findings) {
    const win = findings.reduce((sum, f) => sum + f.reclaimable_bytes, 0);
    add('findings', 'Findings', 'Findings', <Findings findings={findings} />, win > 0 ? `${bytes(win)} to win` : undefined);
  }
  if (diff) add('diff', 'Changes', 'What changed', <Diff diff={diff} />);
  add('suspects', 'Piles', 'Where memory piles up', <Suspects suspects={suspects} live={live} />);
  add('memory', 'Memory', memoryTitle(summary.memory), <Memory memory={summary.memory} heap={heap} />);
  add(
    'held',
    'Who holds it',
    'Who holds what',
    <>
      {unpacked((t) => <TreeView tree={t.tree} />)}
      <h3>Holders</h3>
      <Holders holders={summary.holders} live={live} />
    </>,
    'what would be freed without each, from the dominator tree',
  );
  add('maps', `Maps`, 'Maps', unpacked((t) => <Maps maps={t.maps} total={totals.maps} picture={t.occupancy} />), `${bytes(totals.map_table_bytes)} in tables`);
  add('types', 'Types', 'Types', unpacked((t) => <Types types={t.types} total={totals.types} live={live} />));
  if (tables === undefined || tables instanceof Error || tables.goroutines) {
    add('goroutines', 'Goroutines', 'Goroutines', unpacked((t) => t.goroutines && <Goroutines list={t.goroutines} />));
  }
  return sections;
}

function Navigation({ sections }: { sections: readonly Section[] }) {
  const current = useSignal('');
  const ids = sections.map(({ id }) => id).join(' ');
  useEffect(() => {
    // A section is read when it crosses a line a third down the window.
    const observer = new IntersectionObserver(
      (entries) => entries.forEach((entry) => entry.isIntersecting && (current.value = entry.target.id)),
      { rootMargin: '-33% 0px -66% 0px' },
    );
    for (const id of ids.split(' ')) observer.observe(document.getElementById(id)!);
    return () => observer.disconnect();
  }, [ids]);
  return (
    <nav class="sections" aria-label="Sections">
      <ul>
        {sections.map(({ id, short }) => (
          <li key={id}>
            <a href={`#${id}`} aria-current={current.value === id ? 'true' : undefined}>
              {short}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Masthead({ summary }: { summary: Summary }) {
  const { target, heap, memory, totals } = summary;
  const resident = memory.rss_bytes ?? memory.core_bytes;
  const facts = [
    subject(target),
    target.go_version,
    target.map_impl === 'legacy' ? 'legacy maps' : 'Swiss maps',
    target.stripped && 'stripped',
    summary.goroutines && plural(summary.goroutines.program, 'goroutine', 'goroutines'),
    target.paused_ms !== undefined && `paused ${duration(target.paused_ms)}`,
    target.read_ms > 0 && `read in ${duration(target.read_ms)}`,
    summary.taken_at !== undefined && moment(summary.taken_at),
  ].filter((fact) => typeof fact === 'string' && fact !== '');
  const share = totals.map_table_bytes > 0 ? `of ${bytes(totals.map_table_bytes)} in tables` : undefined;
  return (
    <header class="masthead">
      <div class="top">
        <span class="brand">mapscope</span>
        <ThemeSwitch />
      </div>
      <h1>
        <span class="code">{baseName(target.exe)}</span>
      </h1>
      <p class="facts">
        {facts.map((fact, i) => (
          <span key={i}>{fact}</span>
        ))}
        {target.exe !== baseName(target.exe) && <span class="code path">{target.exe}</span>}
      </p>
      <dl class="tiles">
        {resident !== undefined && <Tile name={memory.rss_bytes === undefined ? 'In the core' : 'Resident'} value={bytes(resident)} />}
        <Tile name="Live objects" value={bytes(heap.live_bytes)} note={differs(memory, heap) ? `in all, ${bytes(memory.heap_live_bytes)} ${counted(memory)}` : `${shortCount(heap.live_objects)} objects`} />
        <Tile name="Garbage" value={bytes(heap.object_bytes - heap.live_bytes)} note={garbageNote(memory, heap)} />
        <Tile name="Maps" value={count(totals.maps)} note={`${bytes(totals.map_table_bytes)} in tables`} />
        <Tile name="Reclaimable from maps" value={bytes(totals.map_reclaimable_bytes)} note={share} strong={totals.map_reclaimable_bytes * 10 > heap.live_bytes} />
      </dl>
    </header>
  );
}

function garbageNote(memory: MemoryUse, heap: Heap): string {
  const garbage = bytes(memory.heap_garbage_bytes);
  if (garbage !== bytes(heap.object_bytes - heap.live_bytes)) return `in all, ${garbage} ${counted(memory)}`;
  return plural(heap.objects - heap.live_objects, 'object', 'objects');
}

function Tile({ name, value, note, strong = false }: { name: string; value: string; note?: string | undefined; strong?: boolean }) {
  return (
    <div class={strong ? 'strong' : undefined}>
      <dt>{name}</dt>
      <dd>
        {value}
        {note !== undefined && <span class="dim">{note}</span>}
      </dd>
    </div>
  );
}

/** In the reader's time zone, with its name. */
function moment(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}

const THEMES: [Theme, string][] = [
  ['system', 'System'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

function ThemeSwitch() {
  return (
    <div class="segments themes" role="group" aria-label="Theme">
      {THEMES.map(([id, title]) => (
        <button key={id} type="button" aria-pressed={theme.value === id} onClick={() => (theme.value = id)}>
          {title}
        </button>
      ))}
    </div>
  );
}

function Partial({ reasons }: { reasons: readonly string[] }) {
  return (
    <aside class="partial" aria-label="The result is partial">
      <strong>Partial:</strong>
      {reasons.length === 1 ? <span> {reasons[0]}</span> : <ul>{reasons.map((reason, i) => <li key={i}>{reason}</li>)}</ul>}
    </aside>
  );
}
