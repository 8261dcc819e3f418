// Live objects by type.

import { useComputed, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';

import type { TypeRow } from './data.ts';
import { bytes, count, parseSize, percent, shortName } from './format.ts';
import { Filter } from './table/filter.tsx';
import { filterRows, searchTexts } from './table/rows.ts';
import { type Column, Table } from './table/table.tsx';

export function Types({ types, total, live }: { types: readonly TypeRow[]; total: number; live: number }) {
  const words = useSignal('');
  const least = useSignal('');
  const text = useMemo(() => searchTexts(types, (row) => row.type), [types]);
  const kept = useComputed(() =>
    filterRows(types.length, text, words.value, parseSize(least.value) ?? 0, (row) => types[row].shallow_bytes),
  );
  const most = useMemo(() => types.reduce((max, row) => Math.max(max, row.shallow_bytes), 1), [types]);
  const columns: Column<TypeRow>[] = [
    {
      id: 'type',
      title: 'type',
      width: 190,
      rank: 0,
      key: (row) => row.type,
      cell: (row) => (
        <span class="code clip" title={row.type}>
          {shortName(row.type)}
        </span>
      ),
    },
    { id: 'count', title: 'count', hint: 'Live objects', width: 104, rank: 2, number: true, key: (row) => row.count, cell: (row) => count(row.count) },
    {
      id: 'shallow',
      title: 'shallow',
      hint: 'Bytes of their slots',
      width: 92,
      rank: 1,
      number: true,
      key: (row) => row.shallow_bytes,
      cell: (row) => bytes(row.shallow_bytes),
    },
    {
      id: 'share',
      title: 'share',
      hint: 'Of all live bytes',
      width: 76,
      rank: 4,
      number: true,
      key: (row) => row.shallow_bytes,
      cell: (row) => percent(row.shallow_bytes, live),
    },
    {
      id: 'bar',
      title: '',
      width: 160,
      rank: 5,
      key: (row) => row.shallow_bytes,
      cell: (row) => (
        <span class="cell-bar" aria-hidden="true">
          <span style={{ width: `${(row.shallow_bytes / most) * 100}%` }} />
        </span>
      ),
    },
    {
      id: 'retained',
      title: 'retained',
      hint: 'Freed with all of them, but for what only several of them hold together',
      width: 92,
      rank: 3,
      number: true,
      key: (row) => row.retained_bytes,
      cell: (row) => bytes(row.retained_bytes),
    },
  ];
  return (
    <>
      <Filter
        what="types"
        placeholder="Filter by type"
        words={words}
        least={least}
        shown={kept.value.length}
        listed={types.length}
        total={total}
      />
      <Table
        label="Types"
        columns={columns}
        rows={types}
        kept={kept}
        sort={{ column: 'shallow', descending: true }}
        empty={types.length === 0 ? 'No live objects.' : 'No type matches.'}
      />
    </>
  );
}
