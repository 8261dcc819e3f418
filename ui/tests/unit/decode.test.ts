import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';

import { decodeSummary, decodeTables } from '../../src/decode.ts';
import { CELLS, cellOf, gridOf, tally } from '../../src/occupancy-picture.ts';
import { large } from '../large.ts';
import { fill } from '../pages.ts';
import { HOSTILE, small } from '../small.ts';

const packed = (value: unknown) => deflateRawSync(JSON.stringify(value)).toString('base64');

test('columns become rows', async () => {
  const { maps, types, tree, occupancy } = await decodeTables(packed(small.tables));
  assert.deepEqual(maps[0], {
    addr: '0xc000123450',
    owner: 'main.sessions.byID',
    type: 'map[string]*main.Session',
    impl: 'swiss',
    torn: false,
    retained_bytes: 420 * 2 ** 20,
    entries: 40_112,
    slots: 14_680_064,
    groups: 1_835_008,
    holes: 1_795_320,
    tombstones: 0,
    zero_values: 12,
    table_bytes: 400 * 2 ** 20,
    indirect_bytes: 0,
    padding_bytes: 0,
    reclaimable_bytes: 398 * 2 ** 20,
  });
  assert.equal('zero_values' in maps[2], false);
  assert.equal(maps[2].heuristic, true);
  assert.deepEqual([maps[3].torn, maps[3].entries], [true, undefined]);
  assert.match(maps[3].torn_reason ?? '', /writing flag/);
  assert.equal(maps[4].owner, HOSTILE);
  assert.deepEqual(types[5], { type: HOSTILE, count: 3, shallow_bytes: 48 });
  assert.equal(tree.retained[0], 594 * 2 ** 20 + 2720 + 48);
  assert.equal(occupancy('0xc007000000')?.filled.length, 256);
});

test('another format is refused', async () => {
  assert.throws(() => decodeSummary('{"schema":"mapscope.report/2"}'), /reads mapscope.report\/1, not mapscope.report\/2/);
  await assert.rejects(decodeTables(packed({ schema: 'x' })), /reads mapscope.report/);
});

test('the largest report is below 5 MB', () => {
  const page = fill('<!--DATA-->', large(100_000, 100_000));
  assert.ok(page.length < 5_000_000 - 120_000, `${page.length} bytes`);
});

test('cells have the classes of the terminal', () => {
  assert.equal(cellOf(0, 0), 'hole');
  assert.deepEqual([1, 64, 65, 128, 129, 192, 193, 255].map((f) => cellOf(f, 0)), ['quarter', 'quarter', 'half', 'half', 'most', 'most', 'full', 'full']);
  assert.equal(cellOf(0, 1), 'grave');
  assert.equal(cellOf(64, 64), 'worn');
  assert.equal(cellOf(64, 63), 'quarter');
  const picture = { addr: '', groups: 3, groups_per_cell: 1, entries_per_group: [], filled: Uint8Array.of(0, 255, 255), tombstones: Uint8Array.of(0, 0, 0) };
  assert.deepEqual([...tally(picture)], [['hole', 1], ['full', 2]]);
  assert.equal(CELLS.length, 7);
});

test('a picture fits its frame', () => {
  for (const cells of [1, 2, 7, 256, 4096]) {
    for (const width of [40, 340, 700, 1200]) {
      const { columns, rows, pitch } = gridOf(cells, width);
      assert.ok(columns * pitch <= Math.max(width, pitch) && columns * rows >= cells, `${cells} ${width}`);
    }
  }
  assert.deepEqual(gridOf(4096, 700), { columns: 128, rows: 32, pitch: 5 });
});
