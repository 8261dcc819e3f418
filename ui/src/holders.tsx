// Who holds live objects from outside the heap: the first level of the tree, as a table.

import { useComputed } from '@preact/signals';

import type { HolderRow } from './data.ts';
import { bytes, count, percent } from './format.ts';
import { type Column, Table } from './table/table.tsx';

export function Holders({ holders, live }: { holders: readonly HolderRow[]; live: number }) {
  const kept = useComputed(() => Uint32Array.from(holders.keys()));
  const columns: Column<HolderRow>[] = [
    {
      id: 'name',
      title: 'holder',
      width: 200,
      rank: 0,
      key: (row) => row.name,
      cell: (row) => (
        <span class="code clip" title={row.name}>
          {row.count > 1 && <span class="dim">{count(row.count)} × </span>}
          {row.name}
        </span>
      ),
    },
    { id: 'kind', title: 'kind', width: 104, rank: 3, key: (row) => row.kind, cell: (row) => <span class="dim">{row.kind}</span> },
    {
      id: 'retained',
      title: 'retained',
      hint: 'Bytes that would be freed without it',
      width: 92,
      rank: 1,
      number: true,
      key: (row) => row.retained_bytes,
      cell: (row) => bytes(row.retained_bytes),
    },
    {
      id: 'share',
      title: 'of live',
      width: 76,
      rank: 2,
      number: true,
      key: (row) => row.retained_bytes,
      cell: (row) => percent(row.retained_bytes, live),
    },
  ];
  return (
    <Table
      label="Holders, by retained bytes"
      columns={columns}
      rows={holders}
      kept={kept}
      sort={{ column: 'retained', descending: true }}
      atOnce={10}
      empty="Nothing holds objects."
    />
  );
}
