// Every map, one line each: sorted, filtered, and opened to see it in depth.

import { useComputed, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';

import type { MapRow, Occupancy } from './data.ts';
import { bytes, count, parseSize, percent, shortName } from './format.ts';
import { MapDetail } from './map-detail.tsx';
import { Filter } from './table/filter.tsx';
import { filterRows, searchTexts } from './table/rows.ts';
import { type Column, Table } from './table/table.tsx';

export interface MapsProps {
  maps: readonly MapRow[];
  total: number;
  /** The picture of the map at an address, if there is one. */
  picture: (addr: string) => Occupancy | undefined;
}

/** As in the terminal: a map that has just doubled is about 40% full, so less than a quarter means that entries left. */
const SPARSE_SHARE = 0.25;
const SPARSE_SLOTS = 1024;

export function isSparse(map: MapRow): boolean {
  return (map.slots ?? 0) >= SPARSE_SLOTS && (map.entries ?? 0) < (map.slots ?? 0) * SPARSE_SHARE;
}

export function Maps({ maps, total, picture }: MapsProps) {
  const words = useSignal('');
  const least = useSignal('');
  const text = useMemo(() => searchTexts(maps, (map) => `${map.owner}\n${map.type}\n${map.addr}`), [maps]);
  const kept = useComputed(() =>
    filterRows(maps.length, text, words.value, parseSize(least.value) ?? 0, (row) => maps[row].table_bytes ?? 0),
  );
  // Figures that none of the maps has: overflow buckets of Swiss maps, tombstones of legacy ones.
  const columns = useMemo(() => COLUMNS.filter((c) => c.rank < 7 || maps.some((map) => c.key(map) !== undefined)), [maps]);
  return (
    <>
      <Filter
        what="maps"
        placeholder="Filter by owner, type or address"
        words={words}
        least={least}
        shown={kept.value.length}
        listed={maps.length}
        total={total}
      />
      <Table
        label="Maps"
        columns={columns}
        rows={maps}
        kept={kept}
        sort={{ column: 'table', descending: true }}
        twoLines
        detail={(map) => <MapDetail map={map} picture={picture(map.addr)} />}
        empty={maps.length === 0 ? 'No live maps.' : 'No map matches.'}
      />
    </>
  );
}

type Figure = 'entries' | 'slots' | 'holes' | 'tombstones' | 'overflow_buckets' | 'zero_values' | 'table_bytes' | 'reclaimable_bytes' | 'retained_bytes';

function figure(
  id: string,
  title: string,
  field: Figure,
  width: number,
  rank: number,
  hint: string,
  text: (n: number | undefined) => string = count,
): Column<MapRow> {
  return { id, title, hint, width, rank, number: true, key: (map) => map[field], cell: (map) => text(map[field]) };
}

const share = (part: number | undefined, whole: number | undefined) =>
  part === undefined || !whole ? undefined : part / whole;

const COLUMNS: readonly Column<MapRow>[] = [
  {
    id: 'owner',
    title: 'owner',
    hint: 'How a person would name the map; ~ when it was inferred',
    width: 190,
    rank: 0,
    key: (map) => map.owner,
    cell: (map, shown) => (
      <span class="two">
        <span class="code clip" title={map.owner}>
          {map.heuristic && '~'}
          {shortName(map.owner) || '(no owner found)'}
        </span>
        {!shown('type') && <span class="code clip dim">{shortName(map.type)}</span>}
      </span>
    ),
  },
  {
    id: 'type',
    title: 'type',
    width: 190,
    rank: 5,
    wide: true,
    key: (map) => map.type,
    cell: (map) => (
      <span class="code clip dim" title={map.type}>
        {shortName(map.type)}
      </span>
    ),
  },
  {
    ...figure('entries', 'entries', 'entries', 92, 3, 'Keys in the map, counted by walking it'),
    cell: (map) => (map.torn ? <span class="torn">torn</span> : count(map.entries)),
  },
  figure('slots', 'slots', 'slots', 96, 6, 'Places for entries: 8 for each group or bucket'),
  {
    id: 'occupancy',
    title: 'occ.',
    hint: 'Entries of slots',
    width: 78,
    rank: 1,
    number: true,
    key: (map) => share(map.entries, map.slots),
    cell: (map) => <span class={isSparse(map) ? 'warn' : undefined}>{percent(map.entries, map.slots)}</span>,
  },
  {
    id: 'holes',
    title: 'holes',
    hint: 'Groups or buckets without an entry',
    width: 74,
    rank: 8,
    number: true,
    key: (map) => share(map.holes, map.groups),
    cell: (map) => percent(map.holes, map.groups),
  },
  figure('tombstones', 'tomb.', 'tombstones', 84, 7, 'Slots of deleted entries that are not free again'),
  figure('overflow', 'overflow', 'overflow_buckets', 84, 9, 'Legacy maps: overflow buckets linked in chains'),
  figure('zero', 'zero', 'zero_values', 78, 10, 'Entries whose element is all zero bits'),
  figure('table', 'table', 'table_bytes', 88, 0.5, 'Bytes of the map’s own structure: whole slots of the heap', bytes),
  {
    ...figure('reclaimable', 'reclaim.', 'reclaimable_bytes', 88, 2, 'Table less that of the same map made anew for its entries', bytes),
    cell: (map) => <span class={isSparse(map) ? 'warn' : undefined}>{bytes(map.reclaimable_bytes)}</span>,
  },
  figure('retained', 'retained', 'retained_bytes', 92, 4, 'Freed with the map: its table, and what nothing but it holds', bytes),
];
