// What changed between two targets.

import { useComputed, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';

import type { Diff as Changes, DiffRow } from './data.ts';
import { bytes, change, count } from './format.ts';
import { subject } from './memory-parts.ts';
import { Filter } from './table/filter.tsx';
import { filterRows, searchTexts } from './table/rows.ts';
import { type Column, Table } from './table/table.tsx';

const KINDS = ['map', 'type', 'holder'];

export function Diff({ diff }: { diff: Changes }) {
  const words = useSignal('');
  const kind = useSignal(KINDS.find((k) => diff.rows.some((row) => row.kind === k)) ?? 'map');
  const rows = diff.rows;
  const text = useMemo(() => searchTexts(rows, (row) => `${row.name}\n${row.type ?? ''}`), [rows]);
  const ofKind = useComputed(() => rows.filter((row) => row.kind === kind.value).length);
  const kept = useComputed(() => {
    const wanted = kind.value;
    return filterRows(rows.length, text, words.value).filter((row) => rows[row].kind === wanted);
  });
  const most = useMemo(() => rows.reduce((max, row) => Math.max(max, Math.abs(delta(row))), 1), [rows]);
  return (
    <>
      <p class="note">
        Since {subject(diff.before)}, {diff.before.exe}. Objects and maps are compared by name.
      </p>
      <div class="segments" role="group" aria-label="What is compared">
        {KINDS.map((k) => (
          <button key={k} type="button" aria-pressed={kind.value === k} onClick={() => (kind.value = k)}>
            {k}s
          </button>
        ))}
      </div>
      <Filter
        what={`changed ${kind.value}s`}
        placeholder="Filter by name or type"
        words={words}
        shown={kept.value.length}
        listed={ofKind.value}
        total={ofKind.value}
      />
      <Table
        label="Changes"
        columns={columnsFor(most, kind.value)}
        rows={rows}
        kept={kept}
        sort={{ column: 'change', descending: true }}
        twoLines
        empty="Nothing changed."
      />
    </>
  );
}

function delta(row: DiffRow): number {
  return row.after_bytes - row.before_bytes;
}

/** Bytes of a type are its own, of anything else those that it retains: as `mapscope diff` lists them as text. */
function columnsFor(most: number, kind: string): Column<DiffRow>[] {
  const figure = kind === 'type' ? 'shallow' : 'retained';
  const number = (id: string, title: string, width: number, rank: number, of: (row: DiffRow) => number, text: (n: number) => string) => ({
    id,
    title,
    width,
    rank,
    number: true,
    key: of,
    cell: (row: DiffRow) => text(of(row)),
  });
  return [
    {
      id: 'name',
      title: 'name',
      width: 190,
      rank: 0,
      key: (row) => row.name,
      cell: (row, shown) => (
        <span class="two">
          <span class="code clip" title={row.name}>{row.name}</span>
          {row.type !== undefined && !shown('type') && <span class="code clip dim">{row.type}</span>}
        </span>
      ),
    },
    {
      id: 'type',
      title: 'type',
      width: 190,
      rank: 6,
      wide: true,
      key: (row) => row.type,
      cell: (row) => <span class="code clip dim" title={row.type}>{row.type}</span>,
    },
    number('before-count', 'count before', 104, 7, (row) => row.before_count, count),
    number('after-count', 'count now', 96, 5, (row) => row.after_count, count),
    number('before', `${figure} before`, 124, 3, (row) => row.before_bytes, bytes),
    number('after', `${figure} now`, 112, 2, (row) => row.after_bytes, bytes),
    {
      ...number('change', 'change', 96, 1, delta, change),
      cell: (row) => <span class={delta(row) > 0 ? 'grew' : 'shrank'}>{change(delta(row))}</span>,
    },
    {
      id: 'bar',
      title: '',
      width: 140,
      rank: 8,
      key: delta,
      cell: (row) => (
        <span class="two-sided" aria-hidden="true">
          <span
            class={delta(row) > 0 ? 'more' : 'less'}
            style={{ width: `${(Math.abs(delta(row)) / most) * 50}%`, [delta(row) > 0 ? 'left' : 'right']: '50%' }}
          />
        </span>
      ),
    },
  ];
}
