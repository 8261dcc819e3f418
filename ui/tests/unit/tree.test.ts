import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KINDS } from '../../src/data.ts';
import { between, covering, panned, rangeOf, rangeOfRest, zoomed } from '../../src/tree/camera.ts';
import { categoryOfType } from '../../src/tree/colours.ts';
import { describe } from '../../src/tree/describe.ts';
import { invert } from '../../src/tree/invert.ts';
import { nextMatch, search } from '../../src/tree/search.ts';
import { children, makeTree, neighbour, nodeName, startOf, wayTo } from '../../src/tree/tree.ts';

const TYPE = KINDS.indexOf('type');

//            0:all 100
//    1:a 60        4:b 30     5:c 10
//  2:s 40  3:t 15             6:s 10
const tree = makeTree(['all', 'a', 's', 't', 'b', 'c'], {
  depth: [0, 1, 2, 2, 1, 1, 2],
  kind: [0, 1, TYPE, TYPE, 1, 1, TYPE],
  name: [0, 1, 2, 3, 4, 5, 2],
  count: [0, 1, 4, 3, 1, 1, 2],
  shallow: [0, 5, 40, 15, 30, 0, 10],
});

test('a tree follows from its depths', () => {
  assert.deepEqual([...tree.retained], [100, 60, 40, 15, 30, 10, 10]);
  assert.deepEqual([...tree.above], [0, 0, 1, 1, 0, 0, 5]);
  assert.deepEqual([...tree.end], [7, 4, 3, 4, 5, 7, 7]);
  assert.deepEqual([...children(tree, 0)], [1, 4, 5]);
  assert.deepEqual(wayTo(tree, 6), [0, 5, 6]);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map((n) => startOf(tree, n)), [0, 0, 0, 40, 60, 90, 90]);
});

test('depths that no tree has are refused', () => {
  const columns = { kind: [0, 1, 1], name: [0, 0, 0], count: [0, 0, 0], shallow: [1, 1, 1] };
  assert.throws(() => makeTree([''], { ...columns, depth: [0, 2, 1] }), /node 1 of the tree/);
  assert.throws(() => makeTree([''], { ...columns, depth: [0, 1, 0] }), /node 2 of the tree/);
  assert.equal(makeTree([''], { depth: [], kind: [], name: [], count: [], shallow: [] }).length, 0);
});

test('arrow keys go to neighbours and stop at the edge', () => {
  assert.deepEqual((['up', 'down', 'next', 'previous'] as const).map((d) => neighbour(tree, 1, d)), [0, 2, 4, 1]);
  assert.deepEqual((['up', 'down', 'next', 'previous'] as const).map((d) => neighbour(tree, 5, d)), [0, 6, 5, 4]);
  assert.deepEqual((['up', 'down', 'next', 'previous'] as const).map((d) => neighbour(tree, 0, d)), [0, 1, 0, 0]);
  assert.equal(neighbour(tree, 3, 'down'), 3);
});

test('the camera stays inside the whole', () => {
  assert.deepEqual(rangeOf(tree, 3), { from: 40, to: 55 });
  assert.deepEqual(rangeOfRest(tree, 4), { from: 60, to: 100 });
  assert.deepEqual(zoomed({ from: 0, to: 1000 }, 0.5, 0.25, 1000), { from: 125, to: 625 });
  assert.deepEqual(zoomed({ from: 125, to: 625 }, 100, 0.5, 1000), { from: 0, to: 1000 });
  assert.deepEqual(zoomed({ from: 0, to: 1000 }, 1e-9, 1, 1000), { from: 936, to: 1000 });
  assert.deepEqual(panned({ from: 0, to: 500 }, 5, 1000), { from: 500, to: 1000 });
  assert.deepEqual(panned({ from: 100, to: 200 }, -5, 1000), { from: 0, to: 100 });
  assert.deepEqual(between({ from: 0, to: 100 }, { from: 50, to: 60 }, 1), { from: 50, to: 60 });
});

test('what covers a part is the deepest node that has all of it', () => {
  assert.equal(covering(tree, { from: 0, to: 100 }), 0);
  assert.equal(covering(tree, { from: 0, to: 60 }), 1);
  assert.equal(covering(tree, { from: 41, to: 50 }), 3);
  assert.equal(covering(tree, { from: 56, to: 59 }), 1); // own bytes
  assert.equal(covering(tree, { from: 50, to: 70 }), 0);
});

test('a search counts what lies below a match once', () => {
  const found = search(tree, 'S')!;
  assert.deepEqual([found.nodes, found.bytes], [2, 50]);
  assert.equal(search(tree, '  '), undefined);
  assert.deepEqual([search(tree, 'a')!.nodes, search(tree, 'a')!.bytes], [1, 60]);
  assert.equal(nextMatch(tree, found, 2), 6);
  assert.equal(nextMatch(tree, found, 6), 2);
  assert.equal(nextMatch(tree, found, 2, true), 6);
  assert.equal(nextMatch(tree, search(tree, 'nowhere')!, 0), undefined);
});

test('types first: the same bytes, each below what holds it', () => {
  const turned = invert(tree);
  const rows = Array.from({ length: turned.length }, (_, n) => [turned.depth[n], nodeName(turned, n), turned.retained[n]]);
  assert.deepEqual(rows, [
    [0, 'all', 100],
    [1, 's', 50],
    [2, 'a', 40],
    [2, 'c', 10],
    [1, 'b', 30],
    [1, 't', 15],
    [2, 'a', 15],
    [1, 'a', 5],
  ]);
  assert.equal(describe(turned, 1), 's · 6 objects of 50 B, 50.0% of live · 2 nodes below');
  assert.equal(describe(turned, 2), 'a · holds 4 objects of s · 40 B, 40.0% of live');
  const cut = invert(tree, 1);
  assert.equal(cut.retained[0], 100);
  assert.equal(KINDS[cut.kind[1]], 'omitted');
  assert.deepEqual([cut.count[1], cut.retained[1]], [4, 60]);
});

test('a node in words', () => {
  assert.equal(describe(tree, 1), 'a · retains 60 B, 60.0% of live · variable · 2 nodes below');
  assert.equal(describe(tree, 2), 's · retains 40 B, 40.0% of live · 4 objects of 40 B');
});

test('types have colours by what they are', () => {
  assert.deepEqual(['map[int]int (groups)', '[]uint8', '[4]int', 'string', 'main.T'].map(categoryOfType), ['map', 'slice', 'slice', 'string', 'struct']);
});
