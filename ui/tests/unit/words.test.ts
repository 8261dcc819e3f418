import assert from 'node:assert/strict';
import { test } from 'node:test';

import { counted, differs, memoryParts, memoryTitle, subject, wastedClasses } from '../../src/memory-parts.ts';
import { placeOf } from '../../src/place.ts';

test('a goroutine stands at the innermost function of the program', () => {
  const stack = (...names: string[]) => names.map((name) => ({ function: name, file: '', line: 0 }));
  assert.equal(placeOf(stack('sync.runtime_SemacquireMutex', 'sync.(*Mutex).Lock', 'main.leakedLock')), 'main.leakedLock');
  assert.equal(placeOf(stack('internal/poll.(*FD).Read', 'github.com/a/b.Serve', 'main.main')), 'github.com/a/b.Serve');
  assert.equal(placeOf(stack('runtime.gopark', 'net/http.(*Server).Serve')), 'runtime.gopark');
  assert.equal(placeOf([]), '(no stack)');
});

const memory = { heap_live_bytes: 600, heap_garbage_bytes: 100, heap_fragmentation_bytes: 50, stacks_bytes: 50 };

test('parts of memory that were not measured are not shown', () => {
  assert.deepEqual(memoryParts(memory).parts.map((p) => p.id), ['live', 'garbage', 'fragmentation', 'stacks']);
  assert.equal(memoryTitle(memory), 'Where 800 B of Go memory went');
  const stripped = { ...memory, rss_bytes: 900, heap_free_bytes: 0, binary_bytes: 50, other_bytes: 50 };
  const { parts, whole } = memoryParts(stripped);
  assert.deepEqual([parts[parts.length - 1].name, whole], ['runtime, other', 900]);
  assert.equal(memoryTitle(stripped), 'Where 900 B of RSS went');
  assert.equal(memoryTitle({ ...memory, core_bytes: 900 }), 'Where the 900 B that the core holds went');
});

test('size classes are shown when fragmentation is worth a look', () => {
  const size = (fragmentation_bytes: number) => ({ spans: 1, slots: 1, live_slots: 1, garbage_slots: 0, live_bytes: 1, garbage_bytes: 0, fragmentation_bytes });
  const classes = [size(1), size(0), size(9)];
  assert.deepEqual(wastedClasses({ ...memory, classes }, 800).map((c) => c.fragmentation_bytes), [9, 1]);
  assert.deepEqual(wastedClasses({ ...memory, classes }, 1000), []);
});

test('live objects that are not all there are counted in two ways', () => {
  const heap = { objects: 9, object_bytes: 900, live_objects: 8, live_bytes: 600, roots: 1 };
  assert.deepEqual([differs(memory, heap), differs(memory, { ...heap, live_bytes: 700 })], [false, true]);
  // What reads the same is the same.
  const large = { ...memory, heap_live_bytes: 64 << 20 };
  assert.equal(differs(large, { ...heap, live_bytes: (64 << 20) + 1 }), false);
  assert.deepEqual([memory, { ...memory, rss_bytes: 9, other_bytes: 0 }, { ...memory, core_bytes: 9 }].map(counted), ['size', 'resident', 'in the core']);
});

test('what was examined', () => {
  const target = { kind: 'core', pid: 7, exe: '', go_version: '', map_impl: '', stripped: false, read_ms: 0 };
  assert.equal(subject(target), 'core of pid 7');
  assert.equal(subject({ ...target, kind: 'process' }), 'pid 7');
  const { pid: _, ...nameless } = target;
  assert.equal(subject(nameless), 'core');
});
