// Reports as large as they get. The numbers look random but are the same each time.

import type { TreeColumns } from '../src/tree/tree.ts';
import type { ReportData } from './pages.ts';
import { small } from './small.ts';

/** A generator of numbers from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A tree of so many nodes in preorder, siblings largest first; sizes fall as they do in heaps. */
export function treeColumns(nodes: number, names: number, seed = 1): TreeColumns {
  const next = random(seed);
  const columns = { depth: [] as number[], kind: [] as number[], name: [] as number[], count: [] as number[], shallow: [] as number[] };
  // A node gets a share of the nodes and bytes; what is left when it has its own goes to those below, largest first.
  const open: [depth: number, nodes: number, bytes: number][] = [[0, nodes, nodes * 96]];
  while (open.length > 0) {
    const [depth, all, bytes] = open.pop()!;
    const own = all === 1 ? bytes : Math.floor(bytes * 0.1 * next());
    columns.depth.push(depth);
    columns.kind.push(depth === 0 ? 0 : depth === 1 ? 1 + Math.floor(next() * 2) : 7);
    columns.name.push(Math.floor(next() ** 3 * names));
    columns.count.push(depth === 0 ? 0 : 1 + Math.floor(next() * 1000));
    columns.shallow.push(depth === 0 ? 0 : own);
    let [left, room] = [all - 1, bytes - (depth === 0 ? 0 : own)];
    const below: [number, number, number][] = [];
    while (left > 0) {
      const part = Math.min(left, Math.max(1, Math.floor(left * (0.1 + 0.5 * next()))));
      const size = left === part ? room : Math.floor((room * part) / left);
      below.push([depth + 1, part, size]);
      [left, room] = [left - part, room - size];
    }
    below.sort((a, b) => a[2] - b[2]);
    open.push(...below);
  }
  return columns;
}

/** A report of `maps` maps and a tree of `nodes` nodes, the rest in proportion. */
export function large(maps: number, nodes: number): ReportData {
  const next = random(7);
  const owners = Math.ceil(maps / 4);
  const packages = ['main', 'github.com/example/platform/internal/cache', 'net/http', 'github.com/example/platform/internal/session'];
  const strings = ['', 'swiss'];
  for (let i = 0; i < owners; i++) strings.push(`${packages[i % 4]}.registry.shards[${i}].items`);
  const firstType = strings.length;
  for (let i = 0; i < 3000; i++) strings.push(`map[string]*${packages[i % 4]}.Record${i}`);
  const many = <T,>(of: (i: number) => T) => Array.from({ length: maps }, (_, i) => of(i));
  const groups = many(() => 2 ** Math.floor(next() ** 4 * 18)).sort((a, b) => b - a);
  const entries = groups.map((g) => Math.floor(g * 8 * (0.05 + 0.8 * next())));
  const table = groups.map((g) => g * 136 + 96);
  const reclaimable = table.map((t) => (next() < 0.3 ? Math.floor(t * next()) : 0));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const picture = (i: number) => ({
    addr: `0x${addresses[i]}`,
    groups: groups[i],
    groups_per_cell: Math.max(1, Math.ceil(groups[i] / 4096)),
    cells: Buffer.from(Array.from({ length: 8192 }, () => Math.floor(next() * 256))).toString('base64'),
    entries_per_group: Array.from({ length: 9 }, () => Math.floor(next() * 1e5)),
  });
  const addresses = many(() => (0xc000000000 + Math.floor(next() * 2 ** 33) * 16).toString(16));
  return {
    summary: {
      ...small.summary,
      heap: { objects: 12_000_000, object_bytes: 2 ** 31, live_objects: 10_000_000, live_bytes: nodes * 96, roots: 90_000 },
      totals: { maps: maps * 2, types: 3000, map_table_bytes: sum(table), map_reclaimable_bytes: sum(reclaimable) },
    },
    tables: {
      ...small.tables,
      strings,
      maps: {
        addr: addresses,
        owner: many((i) => 2 + (i % owners)),
        type: many(() => firstType + Math.floor(next() ** 2 * 3000)),
        impl: many(() => 1),
        figures: {
          retained_bytes: table.map((t) => t + Math.floor(next() * t)),
          entries,
          slots: groups.map((g) => g * 8),
          groups,
          holes: groups.map((g) => Math.floor(g * next() * 0.1)),
          tombstones: groups.map((g) => Math.floor(g * next() ** 8)),
          zero_values: entries.map((e) => (next() < 0.1 ? Math.floor(e * next()) : 0)),
          table_bytes: table,
          indirect_bytes: many(() => 0),
          padding_bytes: groups.map((g) => g * 8),
          reclaimable_bytes: reclaimable,
        },
        torn: [],
        heuristic: [],
      },
      types: {
        type: Array.from({ length: 3000 }, (_, i) => firstType + i),
        count: Array.from({ length: 3000 }, () => Math.floor(next() * 1e5)),
        shallow_bytes: Array.from({ length: 3000 }, () => Math.floor(next() * 1e7)).sort((a, b) => b - a),
        retained_bytes: Array.from({ length: 3000 }, () => Math.floor(next() * 1e8)),
      },
      tree: treeColumns(nodes, strings.length),
      occupancy: Array.from({ length: 64 }, (_, i) => picture(i)),
    },
  };
}
