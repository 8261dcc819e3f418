import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filterRows, type Key, sortRows } from '../../src/table/rows.ts';
import { fittingColumns, rowTop, visibleRows } from '../../src/table/window.ts';

const all = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);
const sorted = (keys: Key[], descending: boolean) => [...sortRows(all(keys.length), (row) => keys[row], descending)];

test('rows are sorted by numbers or names, those without a key last', () => {
  assert.deepEqual(sorted([3, undefined, 1, 2], false), [2, 3, 0, 1]);
  assert.deepEqual(sorted([3, undefined, 1, 2], true), [0, 3, 2, 1]);
  assert.deepEqual(sorted(['b', 'a', undefined, 'c', ''], false), [4, 1, 0, 3, 2]);
  assert.deepEqual(sorted(['b', 'a', undefined, 'c', ''], true), [3, 0, 1, 4, 2]);
});

test('equal rows stay in order in both directions', () => {
  assert.deepEqual(sorted([1, 2, 1, 2], false), [0, 2, 1, 3]);
  assert.deepEqual(sorted([1, 2, 1, 2], true), [1, 3, 0, 2]);
  assert.deepEqual(sorted(['x', 'x', 'x'], true), [0, 1, 2]);
});

test('a filter wants every word and a least size', () => {
  const texts = ['main.sessions\nmap[string]*main.session', 'main.index\nmap[string]int', 'net.pool\nmap[int]int'];
  const filter = (words: string, least = 0) => [...filterRows(3, (row) => texts[row], words, least, (row) => row * 100)];
  assert.deepEqual(filter(''), [0, 1, 2]);
  assert.deepEqual(filter('MAIN int'), [1]);
  assert.deepEqual(filter('  string  main '), [0, 1]);
  assert.deepEqual(filter('', 100), [1, 2]);
  assert.deepEqual(filter('main', 100), [1]);
  assert.deepEqual(filter('(.*'), []);
});

test('only rows on screen are made', () => {
  const window = visibleRows({ rows: 100_000, rowHeight: 30, top: 1_500_000, height: 600 });
  assert.ok(window.last - window.first < 40);
  assert.ok(window.first <= 50_000 && window.last >= 50_020);
  assert.equal(window.before + (window.last - window.first) * 30 + window.after, 3_000_000);
  assert.deepEqual(visibleRows({ rows: 0, rowHeight: 30, top: 0, height: 600 }), { first: 0, last: 0, before: 0, after: 0 });
});

test('an open row moves what is below it', () => {
  const open = { row: 10, height: 500 };
  for (const top of [0, 300, 330, 600, 830, 2000, 30_000]) {
    const window = visibleRows({ rows: 1000, rowHeight: 30, top, height: 600, open });
    const inside = window.first <= 10 && 10 < window.last;
    const height = window.before + (window.last - window.first) * 30 + (inside ? 500 : 0) + window.after;
    assert.equal(height, 30_500, `top ${top}`);
    // What is made covers the screen.
    assert.ok(window.before <= top && window.before + (window.last - window.first) * 30 + (inside ? 500 : 0) >= Math.min(30_500, top + 600), `top ${top}`);
  }
  assert.deepEqual([rowTop(10, 30, open), rowTop(11, 30, open)], [300, 830]);
});

test('columns that matter least leave first, the first never', () => {
  const columns = [
    { width: 200, rank: 0 },
    { width: 100, rank: 5 },
    { width: 100, rank: 1 },
    { width: 100, rank: 9 },
  ];
  assert.deepEqual(fittingColumns(columns, 500), [true, true, true, true]);
  assert.deepEqual(fittingColumns(columns, 499), [true, true, true, false]);
  assert.deepEqual(fittingColumns(columns, 320), [true, false, true, false]);
  assert.deepEqual(fittingColumns(columns, 10), [true, false, false, false]);
});
