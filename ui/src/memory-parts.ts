// The parts of memory, in the words of the README.

import type { Heap, MemoryUse, SizeClass, Target } from './data.ts';
import { bytes } from './format.ts';

export interface Part {
  id: string;
  name: string;
  bytes: number;
  what: string;
}

export function memoryParts(memory: MemoryUse): { parts: Part[]; whole: number } {
  const part = (id: string, name: string, bytes: number | undefined, what: string) =>
    bytes === undefined ? [] : [{ id, name, bytes, what }];
  const runtimeKnown = memory.runtime_bytes !== undefined;
  const parts = [
    ...part('live', 'live objects', memory.heap_live_bytes, 'slots of the heap that something reaches'),
    ...part('garbage', 'garbage', memory.heap_garbage_bytes, 'slots that nothing reaches, collected or not'),
    ...part('fragmentation', 'fragmentation', memory.heap_fragmentation_bytes, 'free slots and tails of spans in use'),
    ...part('free', 'free spans', memory.heap_free_bytes, 'pages of the heap not returned to the system'),
    ...part('stacks', 'stacks', memory.stacks_bytes, 'of goroutines and threads'),
    ...part('runtime', 'runtime', memory.runtime_bytes, 'spans, bitmaps, page tables, profiles'),
    ...part('binary', 'binary', memory.binary_bytes, 'executable and libraries, with their data'),
    ...part('other', runtimeKnown ? 'other' : 'runtime, other', memory.other_bytes, `${runtimeKnown ? '' : 'spans and bitmaps, '}memory of C, mapped files, what Go does not know`),
  ];
  return { parts, whole: parts.reduce((sum, p) => sum + p.bytes, 0) };
}

/** What of the memory is counted by the parts. */
export function counted(memory: MemoryUse): string {
  if (memory.core_bytes !== undefined) return 'in the core';
  return memory.rss_bytes !== undefined && memory.other_bytes !== undefined ? 'resident' : 'size';
}

/** Not all pages of live objects are there, so that their bytes read differently when all are counted. */
export function differs(memory: MemoryUse, heap: Heap): boolean {
  return bytes(memory.heap_live_bytes) !== bytes(heap.live_bytes);
}

/** What the parts add up to, as a heading. */
export function memoryTitle(memory: MemoryUse): string {
  if (memory.rss_bytes !== undefined && memory.other_bytes !== undefined) return `Where ${bytes(memory.rss_bytes)} of RSS went`;
  if (memory.core_bytes !== undefined) return `Where the ${bytes(memory.core_bytes)} that the core holds went`;
  return `Where ${bytes(memoryParts(memory).whole)} of Go memory went`;
}

/** The size classes that waste most, when fragmentation is worth a look. */
export function wastedClasses(memory: MemoryUse, whole: number): SizeClass[] {
  if (memory.heap_fragmentation_bytes * 20 <= whole) return [];
  const wasted = (memory.classes ?? []).filter((c) => c.fragmentation_bytes > 0);
  return wasted.sort((a, b) => b.fragmentation_bytes - a.fragmentation_bytes).slice(0, 8);
}

/** `pid 21291`, `core of pid 21291`. */
export function subject(target: Target): string {
  if (target.pid === undefined) return target.kind;
  return target.kind === 'core' ? `core of pid ${target.pid}` : `pid ${target.pid}`;
}
