// The data in a report's file, back into what the components take. The other side: mapscope-report/src/html.

import type { GoroutineList, MapRow, Occupancy, Summary, Tables, TypeRow } from './data.ts';
import { makeTree, type TreeColumns } from './tree/tree.ts';

export const SCHEMA = 'mapscope.report/1';

/** The tables as they are written: rows as columns, strings by number. */
export interface PackedTables {
  schema: string;
  strings: string[];
  maps: {
    addr: string[];
    owner: number[];
    type: number[];
    impl: number[];
    figures: Record<string, (number | null)[]>;
    torn: [number, string][];
    heuristic: number[];
  };
  types: { type: number[]; count: number[]; shallow_bytes: number[]; retained_bytes: (number | null)[] };
  tree: TreeColumns;
  occupancy: {
    addr: string;
    groups: number;
    groups_per_cell: number;
    cells: string;
    entries_per_group: number[];
  }[];
  goroutines?: GoroutineList;
}

export function decodeSummary(text: string): Summary {
  return checked(JSON.parse(text) as Summary);
}

/** Unpacks compressed tables. */
export async function decodeTables(base64: string): Promise<Tables> {
  const packed = new Blob([fromBase64(base64)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return unpack(checked(JSON.parse(await new Response(packed).text()) as PackedTables));
}

function checked<T extends { schema: string }>(document: T): T {
  if (document.schema !== SCHEMA) throw new Error(`this page reads ${SCHEMA}, not ${String(document.schema)}`);
  return document;
}

export function unpack(packed: PackedTables): Tables {
  return {
    maps: mapRows(packed),
    types: typeRows(packed),
    occupancy: pictures(packed.occupancy),
    tree: makeTree(packed.strings, packed.tree),
    ...(packed.goroutines && { goroutines: packed.goroutines }),
  };
}

function mapRows({ strings, maps }: PackedTables): MapRow[] {
  const rows = maps.addr.map((addr, i): MapRow => ({
    addr: `0x${addr}`,
    owner: strings[maps.owner[i]],
    type: strings[maps.type[i]],
    impl: strings[maps.impl[i]],
    torn: false,
  }));
  for (const [name, column] of Object.entries(maps.figures)) {
    column.forEach((figure, i) => {
      if (figure !== null) rows[i][name as 'entries'] = figure;
    });
  }
  for (const [i, reason] of maps.torn) {
    rows[i].torn = true;
    rows[i].torn_reason = reason;
  }
  for (const i of maps.heuristic) rows[i].heuristic = true;
  return rows;
}

function typeRows({ strings, types }: PackedTables): TypeRow[] {
  return types.type.map((type, i) => {
    const retained = types.retained_bytes[i];
    return {
      type: strings[type],
      count: types.count[i],
      shallow_bytes: types.shallow_bytes[i],
      ...(retained !== null && { retained_bytes: retained }),
    };
  });
}

/** A picture is unpacked when it is looked at. */
function pictures(packed: PackedTables['occupancy']): (addr: string) => Occupancy | undefined {
  const byAddress = new Map(packed.map((picture) => [picture.addr, picture]));
  return (addr) => {
    const picture = byAddress.get(addr);
    if (!picture) return undefined;
    const cells = fromBase64(picture.cells);
    const share = (offset: number) => Uint8Array.from({ length: cells.length / 2 }, (_, i) => cells[2 * i + offset]);
    return { ...picture, filled: share(0), tombstones: share(1) };
  };
}

/** With the function of newer browsers where it is there: it is ten times faster. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native) return native.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
