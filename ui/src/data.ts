// What the components show: plain data. Field names are those of the JSON contract (docs/schema); the web UI can hand
// over the documents of `mapscope … --format json` as they are.

export interface Target {
  kind: string;
  pid?: number;
  exe: string;
  go_version: string;
  map_impl: string;
  stripped: boolean;
  paused_ms?: number;
  read_ms: number;
}

export interface MemoryUse {
  rss_bytes?: number;
  core_bytes?: number;
  heap_live_bytes: number;
  heap_garbage_bytes: number;
  heap_fragmentation_bytes: number;
  heap_free_bytes?: number;
  stacks_bytes: number;
  runtime_bytes?: number;
  binary_bytes?: number;
  other_bytes?: number;
  classes?: SizeClass[];
}

export interface SizeClass {
  slot_bytes?: number;
  spans: number;
  slots: number;
  live_slots: number;
  garbage_slots: number;
  live_bytes: number;
  garbage_bytes: number;
  fragmentation_bytes: number;
}

export interface Heap {
  objects: number;
  object_bytes: number;
  live_objects: number;
  live_bytes: number;
  roots: number;
}

export interface HolderRow {
  kind: string;
  name: string;
  count: number;
  retained_bytes: number;
}

export interface Suspect {
  path: string[];
  count: number;
  retained_bytes: number;
  largest?: { addr: string; retained_bytes: number };
}

export type Severity = 'high' | 'medium' | 'low';

export interface Finding {
  rule: string;
  name: string;
  severity: Severity;
  subject: string;
  summary: string;
  evidence: Record<string, unknown>;
  reclaimable_bytes: number;
  advice: string;
}

export interface TypeRow {
  type: string;
  count: number;
  shallow_bytes: number;
  retained_bytes?: number;
}

/** The audit of a map; the figures are absent when it is torn, and each when it does not apply. */
export interface MapRow {
  addr: string;
  owner: string;
  type: string;
  impl: string;
  torn: boolean;
  torn_reason?: string;
  heuristic?: boolean;
  retained_bytes?: number;
  entries?: number;
  slots?: number;
  groups?: number;
  holes?: number;
  tombstones?: number;
  overflow_buckets?: number;
  old_buckets_bytes?: number;
  evacuated_buckets?: number;
  zero_values?: number;
  table_bytes?: number;
  indirect_bytes?: number;
  padding_bytes?: number;
  reclaimable_bytes?: number;
}

/** The picture of one map: groups in the order they lie in memory, so many of them in a cell. */
export interface Occupancy {
  addr: string;
  groups_per_cell: number;
  groups: number;
  /** For each cell the share of slots with an entry, 0 to 255; 0 only for none. */
  filled: Uint8Array;
  /** The same of tombstones. */
  tombstones: Uint8Array;
  /** `entries_per_group[n]`: groups with n entries. */
  entries_per_group: number[];
}

export interface CodeLine {
  function: string;
  file: string;
  line: number;
}

export interface GoroutineRow {
  state: string;
  count: number;
  leaked: boolean;
  suspect?: boolean;
  system?: boolean;
  locked?: boolean;
  stack_bytes: number;
  retained_bytes: number;
  waited?: { known: number; min_ms: number; median_ms: number; max_ms: number };
  stack: CodeLine[];
  left_out?: { after: number; frames: number };
  created_by?: CodeLine;
  ids: number[];
}

export interface GoroutineList {
  total_goroutines: number;
  /** Those of the program, which is what goroutines means elsewhere. */
  program_goroutines: number;
  system_goroutines: number;
  leaked_goroutines?: number;
  leaked_bytes?: number;
  leaks_unknown?: string;
  times_are_bounds?: boolean;
  groups: GoroutineRow[];
  /** Groups of the target; more than are listed when there are very many. */
  total_groups: number;
}

export interface DiffRow {
  kind: string;
  name: string;
  type?: string;
  before_bytes: number;
  after_bytes: number;
  before_count: number;
  after_count: number;
}

export interface Diff {
  before: Target;
  rows: DiffRow[];
}

/** What is there at once, before the tables are unpacked. */
export interface Summary {
  schema: string;
  target: Target;
  /** Seconds since 1970 when a process was read; a core has no such moment. */
  taken_at?: number;
  memory: MemoryUse;
  heap: Heap;
  /** Those of the program and those of the runtime. */
  goroutines?: { program: number; runtime: number };
  holders: HolderRow[];
  suspects: Suspect[];
  /** Absent when no rules were applied; empty when none fired. */
  findings?: Finding[];
  diff?: Diff;
  /** All maps and types of the target; a report lists the largest. */
  totals: Totals;
  partial?: string[];
}

export interface Totals {
  maps: number;
  types: number;
  map_table_bytes: number;
  map_reclaimable_bytes: number;
}

/** The rest. */
export interface Tables {
  maps: MapRow[];
  types: TypeRow[];
  /** The picture of the map at an address, if there is one. */
  occupancy: (addr: string) => Occupancy | undefined;
  tree: Tree;
  goroutines?: GoroutineList;
}

export const KINDS = [
  'all',
  'variable',
  'goroutine',
  'finalizer',
  'cleanup',
  'runtime',
  'shared',
  'type',
  'omitted',
  'local',
  'timer',
  'pool',
] as const;
export type Kind = (typeof KINDS)[number];

/**
 * A tree in columns, in preorder: what is below a node lies between it and `end`. Siblings are sorted, most retained
 * bytes first; what an exporter left out is a last sibling of kind `omitted`. Node 0 is the whole.
 */
export interface Tree {
  length: number;
  names: string[];
  name: Uint32Array;
  /** Index into `KINDS`. */
  kind: Uint8Array;
  depth: Uint32Array;
  above: Uint32Array;
  end: Uint32Array;
  count: Float64Array;
  /** Bytes of the node's own objects, and of these and all below. */
  shallow: Float64Array;
  retained: Float64Array;
  /** Types come first, and below each what holds its objects: `retained` are then bytes of that type. */
  byType?: boolean;
}
