import assert from 'node:assert/strict';
import { test } from 'node:test';

import { baseName, bytes, change, count, duration, parseSize, percent, shortCount, shortName, waited } from '../../src/format.ts';

test('sizes keep three digits, as in the terminal', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [10 * 1024 - 1, '10.0 KiB'],
    [100 * 1024, '100 KiB'],
    [1024 * 1024 - 1, '1.00 MiB'],
    [1_438_814_044, '1.34 GiB'],
  ];
  for (const [n, want] of cases) assert.equal(bytes(n), want);
  assert.equal(bytes(undefined), '–');
  assert.deepEqual([change(2048), change(-2048), change(0)], ['+2.00 KiB', '−2.00 KiB', '0 B']);
});

test('counts and shares', () => {
  assert.deepEqual([count(14_680_064), count(undefined)], ['14,680,064', '–']);
  assert.deepEqual([99_999, 109_349, 10_000_000, 999_500].map(shortCount), ['99,999', '109 k', '10.0 M', '1.00 M']);
  assert.deepEqual([percent(0, 10), percent(1, 1e6), percent(999_999, 1e6), percent(10, 10), percent(1, 0), percent(1, 8)], ['0%', '<0.1%', '>99.9%', '100%', '–', '12.5%']);
});

test('times', () => {
  assert.deepEqual([0.42, 18.2, 2100, 200_000].map(duration), ['0.4 ms', '18 ms', '2.1 s', '3 min 20 s']);
  assert.deepEqual([9_999, 59_999, 3_599_999, 7_500_000, 356_400_000].map(waited), ['9.9 s', '59 s', '59 min', '2 h 5 min', '4 d 3 h']);
});

test('sizes as people type them', () => {
  const cases: [string, number | undefined][] = [
    ['', 0],
    ['4096', 4096],
    ['4096B', 4096],
    ['10k', 10 << 10],
    ['10 MiB', 10 << 20],
    ['10mib', 10 << 20],
    ['10MB', 10_000_000],
    ['1.5G', 3 * 2 ** 29],
    ['lots', undefined],
    ['10iB', undefined],
    ['-3', undefined],
  ];
  for (const [text, want] of cases) assert.equal(parseSize(text), want, text);
});

test('names are cut to what tells them apart', () => {
  assert.equal(shortName('map[string]*github.com/a/b-c/d.T'), 'map[string]*d.T');
  assert.equal(shortName('map[net/http.Header][]encoding/json.Number'), 'map[http.Header][]json.Number');
  assert.equal(shortName('goroutine main.(*Store).watch'), 'goroutine main.(*Store).watch');
  assert.equal(shortName('main.T'), 'main.T');
  assert.deepEqual([baseName('/a/b'), baseName('b'), baseName('/')], ['b', 'b', '/']);
});
