// Goroutines grouped by stack and state; leaked ones first.

import { useComputed, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';

import type { CodeLine, GoroutineList, GoroutineRow } from './data.ts';
import { baseName, bytes, count, plural, shortName, waited } from './format.ts';
import { placeOf } from './place.ts';
import { Filter } from './table/filter.tsx';
import { filterRows, searchTexts } from './table/rows.ts';
import { type Column, Table } from './table/table.tsx';

export function Goroutines({ list }: { list: GoroutineList }) {
  const words = useSignal('');
  const groups = list.groups;
  const text = useMemo(
    () => searchTexts(groups, (g) => [verdict(g), g.state, ...g.stack.map((line) => line.function)].join('\n')),
    [groups],
  );
  const kept = useComputed(() => filterRows(groups.length, text, words.value));
  return (
    <>
      <p class="note">{facts(list).join(' · ')}</p>
      <Filter
        what="groups"
        placeholder="Filter by function or state"
        words={words}
        shown={kept.value.length}
        listed={groups.length}
        total={list.total_groups}
      />
      <Table
        label="Goroutines in groups"
        columns={COLUMNS}
        rows={groups}
        kept={kept}
        sort={{ column: 'verdict', descending: false }}
        twoLines
        detail={(group) => <Stack group={group} />}
        empty={groups.length === 0 ? 'No goroutines.' : 'No group matches.'}
      />
    </>
  );
}

function facts(list: GoroutineList): string[] {
  const facts = [`${plural(list.program_goroutines, 'goroutine', 'goroutines')}, and ${count(list.system_goroutines)} of the runtime`];
  if (list.leaks_unknown !== undefined) facts.push(`leaks unknown: ${list.leaks_unknown}`);
  else if (list.leaked_goroutines !== undefined) {
    facts.push(
      list.leaked_goroutines === 0
        ? 'none is leaked'
        : `${count(list.leaked_goroutines)} leaked: nothing can wake them, and only they hold ${bytes(list.leaked_bytes)}`,
    );
  }
  if (list.times_are_bounds) facts.push('waiting times are lower bounds');
  return facts;
}

function verdict(group: GoroutineRow): string {
  return group.leaked ? 'leaked' : group.suspect ? 'leaked?' : group.system ? 'runtime' : '';
}

/** As they are listed: what is certain, others, the runtime's. */
function verdictOrder(group: GoroutineRow): number {
  return group.leaked ? 0 : group.system ? 2 : 1;
}

const COLUMNS: readonly Column<GoroutineRow>[] = [
  {
    id: 'place',
    title: 'at',
    hint: 'The innermost function of the program itself',
    width: 190,
    rank: 0,
    key: (group) => placeOf(group.stack),
    cell: (group, shown) => (
      <span class="two">
        <span class="code clip" title={placeOf(group.stack)}>
          {shortName(placeOf(group.stack))}
        </span>
        {!shown('state') && <span class="dim clip">{group.state}</span>}
      </span>
    ),
  },
  { id: 'count', title: 'count', width: 84, rank: 1, number: true, key: (g) => g.count, cell: (g) => count(g.count) },
  { id: 'state', title: 'state', width: 200, rank: 3, key: (g) => g.state, cell: (g) => <span class="clip">{g.state}</span> },
  {
    id: 'verdict',
    title: 'leaked',
    hint: 'leaked: nothing can wake them any more. leaked?: a guess, for not all could be read',
    width: 84,
    rank: 2,
    key: verdictOrder,
    cell: (g) => <span class={g.leaked ? 'torn' : g.suspect ? 'warn' : 'dim'}>{verdict(g)}</span>,
  },
  {
    id: 'waited',
    title: 'waited',
    hint: 'Half of them have waited as long',
    width: 100,
    rank: 5,
    number: true,
    key: (g) => g.waited?.median_ms,
    cell: (g) => (g.waited ? waited(g.waited.median_ms) : '–'),
  },
  { id: 'stacks', title: 'stacks', hint: 'Bytes of their stacks', width: 88, rank: 6, number: true, key: (g) => g.stack_bytes, cell: (g) => bytes(g.stack_bytes) },
  {
    id: 'retained',
    title: 'retained',
    hint: 'Freed with each of them, in all',
    width: 92,
    rank: 4,
    number: true,
    key: (g) => g.retained_bytes,
    cell: (g) => bytes(g.retained_bytes),
  },
];

function Stack({ group }: { group: GoroutineRow }) {
  const { left_out: leftOut, stack } = group;
  const after = leftOut?.after ?? stack.length;
  return (
    <div class="stack-detail">
      <ol>
        {stack.slice(0, after).map((line, i) => <Line key={i} line={line} />)}
        {leftOut && <li class="dim">… {count(leftOut.frames)} frames …</li>}
        {stack.slice(after).map((line, i) => <Line key={after + i} line={line} />)}
        {group.created_by && <Line line={group.created_by} label="created by " />}
      </ol>
      <p class="dim">
        {[
          group.locked && 'each has a thread of its own',
          group.waited && `waited ${waited(group.waited.min_ms)} to ${waited(group.waited.max_ms)}`,
          `goroutine ${group.ids.join(', ')}${group.count > group.ids.length ? ', …' : ''}`,
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
    </div>
  );
}

function Line({ line, label = '' }: { line: CodeLine; label?: string }) {
  return (
    <li>
      <span class="dim">{label}</span>
      <span class="code">{line.function}</span>{' '}
      <span class="code dim" title={line.file}>
        {baseName(line.file)}
        {line.line > 0 && `:${line.line}`}
      </span>
    </li>
  );
}
