import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FRAME, OWN, REST } from '../../src/tree/boxes.ts';
import { icicle } from '../../src/tree/icicle.ts';
import { makeTree } from '../../src/tree/tree.ts';
import { LEAST_AREA, squarify, treemap } from '../../src/tree/treemap.ts';
import { treeColumns } from '../large.ts';

const tree = makeTree(['n'], {
  depth: [0, 1, 2, 2, 1, 1, 1],
  kind: [0, 1, 7, 7, 1, 1, 1],
  name: [0, 0, 0, 0, 0, 0, 0],
  count: [0, 0, 0, 0, 0, 0, 0],
  shallow: [0, 5, 40, 15, 39, 0.6, 0.4],
});
const EVERY_ROW = { first: 0, last: 1000 };

test('an icicle lays siblings side by side and what is too narrow into one box', () => {
  const { boxes, depth } = icicle(tree, { range: { from: 0, to: 100 }, width: 100, rowHeight: 10, rows: EVERY_ROW });
  const rows = boxes.node.map((node, i) => [node, boxes.x[i], boxes.y[i], boxes.w[i], boxes.flag[i]]);
  assert.deepEqual(rows, [
    [0, 0, 0, 100, 0],
    [1, 0, 10, 60, 0],
    [4, 60, 10, 39, 0],
    [5, 99, 10, 1, REST],
    [2, 0, 20, 40, 0],
    [3, 40, 20, 15, 0],
  ]);
  assert.equal(depth, 3);
});

test('an icicle is clipped to what is shown', () => {
  const { boxes } = icicle(tree, { range: { from: 50, to: 70 }, width: 200, rowHeight: 10, rows: { first: 1, last: 1 } });
  assert.deepEqual([boxes.node, boxes.x, boxes.w], [[1, 4], [0, 100], [100, 100]]);
  // The smallest appear when they are near enough.
  const near = icicle(tree, { range: { from: 99, to: 100 }, width: 200, rowHeight: 10, rows: EVERY_ROW }).boxes;
  assert.deepEqual(near.node, [0, 5, 6]);
});

test('a point finds the innermost box', () => {
  const { boxes } = icicle(tree, { range: { from: 0, to: 100 }, width: 100, rowHeight: 10, rows: EVERY_ROW });
  assert.equal(boxes.node[boxes.at(45, 25)!], 3);
  assert.equal(boxes.at(58, 25), undefined);
  assert.equal(boxes.at(-1, 5), undefined);
  assert.equal(boxes.node[boxes.of(4)!], 4);
  assert.equal(boxes.of(5), undefined); // only as one of several
});

test('a million nodes are no more boxes than there are pixels', () => {
  const big = makeTree(Array.from({ length: 1000 }, (_, i) => `n${i}`), treeColumns(1_000_000, 1000));
  assert.equal(big.length, 1_000_000);
  const { boxes, depth } = icicle(big, { range: { from: 0, to: big.retained[0] }, width: 1200, rowHeight: 20, rows: EVERY_ROW });
  assert.ok(boxes.length < 1201 * depth, `${boxes.length} boxes in ${depth} rows`);
  const screen = icicle(big, { range: { from: 0, to: big.retained[0] }, width: 1200, rowHeight: 20, rows: { first: 0, last: 24 } });
  assert.ok(screen.boxes.length < 1201 * 25 && screen.boxes.length > 1000, `${screen.boxes.length}`);
  const map = treemap(big, 0, 1200, 560);
  assert.ok(map.length < (1200 * 560) / LEAST_AREA && map.length > 1000, `${map.length}`);
  for (let i = 0; i < map.length; i++) {
    assert.ok(map.x[i] >= -1e-6 && map.y[i] >= -1e-6 && map.x[i] + map.w[i] <= 1200.001 && map.y[i] + map.h[i] <= 560.001);
  }
});

test('a treemap gives each its share', () => {
  const boxes = treemap(tree, 0, 400, 300);
  assert.deepEqual([boxes.node[0], boxes.flag[0], boxes.w[0], boxes.h[0]], [0, FRAME, 400, 300]);
  const area = (node: number, flag: number) => {
    const i = boxes.node.findIndex((n, at) => n === node && boxes.flag[at] === flag);
    return boxes.w[i] * boxes.h[i];
  };
  // Below the frame of `all`: shares of the room inside.
  assert.ok(Math.abs(area(4, 0) / area(1, FRAME) - 39 / 60) < 1e-9);
  // Own objects lie beside those below.
  assert.ok(Math.abs(area(1, OWN) / area(2, 0) - 5 / 40) < 1e-9);
  assert.equal(treemap(tree, 0, 0, 300).length, 0);
});

test('squares fill their room', () => {
  const rects: number[] = [];
  const items = [6, 6, 4, 3, 2, 2, 1].map((bytes, node) => ({ node, bytes, flag: 0 }));
  squarify(items, { x: 0, y: 0, w: 6, h: 4 }, (item, r) => {
    assert.ok(Math.abs(r.w * r.h - item.bytes) < 1e-9);
    rects.push(Math.max(r.w / r.h, r.h / r.w));
  });
  // The example of the paper: the first two are 3 by 2.
  assert.ok(Math.abs(rects[0] - 1.5) < 1e-9 && Math.max(...rects) < 3);
});

test('a chain as deep as the tree is long needs no stack', () => {
  const length = 200_000;
  const chain = makeTree(['n'], {
    depth: Array.from({ length }, (_, i) => i),
    kind: Array.from({ length }, () => 7),
    name: Array.from({ length }, () => 0),
    count: Array.from({ length }, () => 1),
    shallow: Array.from({ length }, () => 1),
  });
  const { boxes } = icicle(chain, { range: { from: 0, to: length }, width: 1000, rowHeight: 20, rows: { first: 100, last: 120 } });
  assert.equal(boxes.length, 21);
});
