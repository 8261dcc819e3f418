// A report with something of everything, small enough to check by eye. Names are as bad as a target can make them.

import type { Summary } from '../src/data.ts';
import type { PackedTables } from '../src/decode.ts';
import type { ReportData } from './pages.ts';

export const HOSTILE = 'main.evil</script><script>window.hacked=1</script><!--<img src=x onerror="window.hacked=1">';

const MIB = 2 ** 20;

const STRINGS = [
  '', // 0
  'main.sessions.byID',
  'map[string]*main.Session',
  'swiss',
  'main.index',
  'map[string][]uint32', // 5
  'goroutine 7 github.com/example/platform/internal/worker.(*Pool).dispatch: seen',
  'map[github.com/example/platform/internal/model.TenantID]struct {}',
  'main.(*Hub).run: clients',
  'map[net.Conn]chan<- []uint8',
  HOSTILE, // 10
  'main.sessions',
  'main.cache and 2 others',
  'string',
  '[]uint8',
  'main.Session', // 15
  'goroutine main.(*Store).watch',
  'runtime.m0',
];

const tables: PackedTables = {
  schema: 'mapscope.report/1',
  strings: STRINGS,
  maps: {
    addr: ['c000123450', 'c000200000', 'c007000000', 'c000512300', 'c000600000'],
    owner: [1, 4, 6, 8, 10],
    type: [2, 5, 7, 9, 2],
    impl: [3, 3, 3, 3, 3],
    figures: {
      retained_bytes: [420 * MIB, 180 * MIB, 35_000, 900, 256],
      entries: [40_112, 3_120_404, 900, null, 1],
      slots: [14_680_064, 4_194_304, 2048, null, 8],
      groups: [1_835_008, 524_288, 256, null, 1],
      holes: [1_795_320, 88, 3, null, 0],
      tombstones: [0, 210_455, 44, null, 0],
      zero_values: [12, 0, null, null, 0],
      table_bytes: [400 * MIB, 164 * MIB, 34_816, null, 256],
      indirect_bytes: [0, 0, 0, null, 0],
      padding_bytes: [0, 28 * MIB, 0, null, 0],
      reclaimable_bytes: [398 * MIB, 0, 17_408, null, 0],
    },
    torn: [[3, 'a goroutine was writing to it (the writing flag is set)']],
    heuristic: [2],
  },
  types: {
    type: [2, 5, 15, 13, 14, 10],
    count: [1, 1, 40_112, 900_000, 12, 3],
    shallow_bytes: [400 * MIB, 164 * MIB, 10 * MIB, 14 * MIB, 6 * MIB, 48],
    retained_bytes: [420 * MIB, 180 * MIB, 18 * MIB, 14 * MIB, 6 * MIB, null],
  },
  tree: {
    //      all  sess map  Sess str  idx  map  [] watch map  m0 evil
    depth: [0, 1, 2, 3, 4, 1, 2, 3, 1, 2, 1, 1],
    kind: [0, 1, 7, 7, 7, 1, 7, 7, 2, 7, 5, 1],
    name: [0, 11, 2, 15, 13, 4, 5, 14, 16, 7, 17, 10],
    count: [0, 1, 1, 40_112, 40_112, 1, 1, 12, 50, 50, 1, 1],
    shallow: [0, 0, 400 * MIB, 10 * MIB, 10 * MIB, 0, 164 * MIB, 6 * MIB, 0, 4 * MIB, 2720, 48],
  },
  occupancy: [
    { addr: '0xc000123450', groups: 1_835_008, groups_per_cell: 448, cells: cells(4096, (i) => [i % 7 === 0 ? 12 : 0, i % 11 === 0 ? 80 : 0]), entries_per_group: [1_795_320, 39_264, 424] },
    { addr: '0xc000200000', groups: 524_288, groups_per_cell: 128, cells: cells(4096, (i) => [120 + (i % 120), i % 5 === 0 ? 70 : 4]), entries_per_group: [88, 200, 4000, 20_000, 90_000, 110_000, 180_000, 100_000, 20_000] },
    { addr: '0xc007000000', groups: 256, groups_per_cell: 1, cells: cells(256, (i) => [(i * 32) % 256, 0]), entries_per_group: [3, 20, 60, 80, 60, 30, 3] },
  ],
  goroutines: {
    total_goroutines: 66,
    program_goroutines: 60,
    system_goroutines: 6,
    leaked_goroutines: 50,
    leaked_bytes: 4 * MIB,
    total_groups: 2,
    groups: [
      {
        state: 'chan receive',
        count: 50,
        leaked: true,
        stack_bytes: 400 * 1024,
        retained_bytes: 4 * MIB,
        waited: { known: 50, min_ms: 61_000, median_ms: 3_700_000, max_ms: 90_000_000 },
        stack: [{ function: 'main.(*Store).watch', file: '/src/store.go', line: 81 }],
        created_by: { function: 'main.NewStore', file: '/src/store.go', line: 40 },
        ids: [7, 8, 9],
      },
      {
        state: 'running',
        count: 1,
        leaked: false,
        stack_bytes: 8192,
        retained_bytes: 96,
        stack: [{ function: HOSTILE, file: HOSTILE, line: 1 }],
        ids: [1],
      },
    ],
  },
};

const summary: Summary = {
  schema: 'mapscope.report/1',
  target: {
    kind: 'process',
    pid: 21291,
    exe: '/srv/sessions/bin/sessions',
    go_version: 'go1.27.3',
    map_impl: 'swiss',
    stripped: false,
    paused_ms: 18.2,
    read_ms: 2104,
  },
  taken_at: 1_795_282_200,
  memory: {
    rss_bytes: 872 * MIB,
    heap_live_bytes: 594 * MIB,
    heap_garbage_bytes: 118 * MIB,
    heap_fragmentation_bytes: 71 * MIB,
    heap_free_bytes: 52 * MIB,
    stacks_bytes: 3 * MIB,
    runtime_bytes: 21 * MIB,
    binary_bytes: 9 * MIB,
    other_bytes: 4 * MIB,
    classes: [
      { slot_bytes: 16, spans: 4000, slots: 2_048_000, live_slots: 900_000, garbage_slots: 0, live_bytes: 14 * MIB, garbage_bytes: 0, fragmentation_bytes: 17 * MIB },
      { spans: 3, slots: 3, live_slots: 3, garbage_slots: 0, live_bytes: 500 * MIB, garbage_bytes: 0, fragmentation_bytes: 4096 },
    ],
  },
  heap: { objects: 1_240_000, object_bytes: 712 * MIB, live_objects: 981_340, live_bytes: 594 * MIB, roots: 1204 },
  holders: [
    { kind: 'variable', name: 'main.sessions', count: 1, retained_bytes: 420 * MIB },
    { kind: 'variable', name: 'main.index', count: 1, retained_bytes: 170 * MIB },
    { kind: 'goroutine', name: 'goroutine main.(*Store).watch', count: 50, retained_bytes: 4 * MIB },
    { kind: 'runtime', name: 'runtime.m0', count: 1, retained_bytes: 2720 },
    { kind: 'variable', name: HOSTILE, count: 1, retained_bytes: 48 },
  ],
  suspects: [
    { path: ['main.sessions', 'map[string]*main.Session'], count: 1, retained_bytes: 420 * MIB, largest: { addr: '0xc000123450', retained_bytes: 420 * MIB } },
    { path: [HOSTILE], count: 2, retained_bytes: 48 },
  ],
  findings: [
    {
      rule: 'GM001',
      name: 'drained-map',
      severity: 'high',
      subject: 'main.sessions.byID  map[string]*main.Session',
      summary: '40,112 entries in 14,680,064 slots (0.3%): it grew to hold 12 M and a Go map never shrinks. Rebuilding it frees 398 MiB.',
      evidence: { entries: 40_112, slots: 14_680_064, table_bytes: 400 * MIB, tombstones: 0 },
      reclaimable_bytes: 398 * MIB,
      advice: 'Copy the entries into a new map when it has shrunk: m.byID = maps.Clone(m.byID) does not shrink it; make(map[K]V, len(m.byID)) and a loop do.',
    },
    {
      rule: 'GM007',
      name: 'leaked-goroutines',
      severity: 'medium',
      subject: 'main.(*Store).watch',
      summary: '50 goroutines wait for a channel that nobody else can reach.',
      evidence: { goroutines: 50, retained_bytes: 4 * MIB },
      reclaimable_bytes: 4 * MIB,
      advice: 'Give them a context, and end them with it.',
    },
    { rule: 'GM099', name: HOSTILE, severity: 'low', subject: HOSTILE, summary: HOSTILE, evidence: { [HOSTILE]: HOSTILE }, reclaimable_bytes: 0, advice: '' },
  ],
  diff: {
    before: { kind: 'process', pid: 21291, exe: '/srv/sessions/bin/sessions', go_version: 'go1.27.3', map_impl: 'swiss', stripped: false, read_ms: 2000 },
    rows: [
      { kind: 'map', name: 'main.sessions.byID', type: 'map[string]*main.Session', before_bytes: 100 * MIB, after_bytes: 400 * MIB, before_count: 3_000_000, after_count: 40_112 },
      { kind: 'map', name: 'main.index', type: 'map[string][]uint32', before_bytes: 170 * MIB, after_bytes: 164 * MIB, before_count: 3_000_000, after_count: 3_120_404 },
      { kind: 'type', name: 'string', before_bytes: 10 * MIB, after_bytes: 14 * MIB, before_count: 640_000, after_count: 900_000 },
      { kind: 'holder', name: 'main.sessions', before_bytes: 120 * MIB, after_bytes: 420 * MIB, before_count: 1, after_count: 1 },
    ],
  },
  totals: { maps: 5, types: 6, map_table_bytes: 564 * MIB, map_reclaimable_bytes: 398 * MIB },
  partial: ['3 goroutine stacks could not be unwound: what they hold may be missing', HOSTILE],
};

function cells(count: number, of: (i: number) => [number, number]): string {
  return Buffer.from(Array.from({ length: count }, (_, i) => of(i)).flat()).toString('base64');
}

export const small: ReportData = { summary, tables };
