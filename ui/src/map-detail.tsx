// One map in depth: every figure, what it counts, and its picture.

import type { MapRow, Occupancy as Picture } from './data.ts';
import { bytes, count, percent } from './format.ts';
import { Occupancy } from './occupancy.tsx';

export function MapDetail({ map, picture }: { map: MapRow; picture: Picture | undefined }) {
  const legacy = map.impl === 'legacy';
  const group = legacy ? 'bucket' : 'group';
  const table = map.table_bytes ?? 0;
  const figures: [string, string, string?][] = [];
  const add = (name: string, value: number | undefined, text: (n: number) => string, note?: string) => {
    if (value !== undefined) figures.push(note === undefined ? [name, text(value)] : [name, text(value), note]);
  };
  add('entries', map.entries, count, `${percent(map.entries, map.slots)} of ${count(map.slots)} slots`);
  add(`${group}s`, map.groups, count, `${count(map.holes)} holes (${percent(map.holes, map.groups)})`);
  add('tombstones', map.tombstones, count, `${percent(map.tombstones, map.slots)} of slots`);
  add('overflow buckets', map.overflow_buckets, count);
  add('old buckets', map.old_buckets_bytes, bytes, `${count(map.evacuated_buckets ?? 0)} evacuated: the map is growing`);
  add('zero values', map.zero_values, count, `${percent(map.zero_values, map.entries)} of entries`);
  add('table', map.table_bytes, bytes, map.padding_bytes ? `${bytes(map.padding_bytes)} of it padding` : 'no padding');
  add('indirect', map.indirect_bytes || undefined, bytes, 'keys and elements over 128 bytes');
  add('reclaimable', map.reclaimable_bytes, bytes, `${percent(map.reclaimable_bytes, table)} of the table, if made anew for its entries`);
  add('retained', map.retained_bytes, bytes, 'freed with the map: table, and what only it holds');
  return (
    <div class="map-detail">
      <p class="title">
        <span class="code">{map.owner || '(no owner found)'}</span>
        <span class="code dim">{map.type}</span>
        <span class="dim">
          {legacy ? 'legacy map' : 'Swiss map'} at <span class="code">{map.addr}</span>
        </span>
      </p>
      {map.torn && <p class="torn-why">Torn, so without figures: {map.torn_reason || 'its counts do not add up'}.</p>}
      {map.heuristic && <p class="note">~ The type or identity of this map was inferred, not read.</p>}
      <div class="columns">
        <dl class="figures">
          {figures.map(([name, value, note]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                {value}
                {note !== undefined && <span class="dim">{note}</span>}
              </dd>
            </div>
          ))}
        </dl>
        {picture && <Occupancy picture={picture} noun={group} />}
      </div>
      {picture && <PerGroup counts={picture.entries_per_group} group={group} />}
    </div>
  );
}

/** How many groups have so many entries. */
function PerGroup({ counts, group }: { counts: readonly number[]; group: string }) {
  const most = Math.max(...counts, 1);
  const all = counts.reduce((sum, n) => sum + n, 0);
  return (
    <table class="per-group">
      <caption>{group}s by entries</caption>
      <tbody>
        {counts.map((n, entries) => (
          <tr key={entries}>
            <th scope="row">{entries}</th>
            <td class="bar">
              <span style={{ width: `${(n / most) * 100}%` }} />
            </td>
            <td class="number">{count(n)}</td>
            <td class="number dim">{percent(n, all)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
