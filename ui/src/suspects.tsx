// Where memory piles up: parts of the heap that one way leads to.

import type { Suspect } from './data.ts';
import { bytes, count, percent } from './format.ts';

export function Suspects({ suspects, live }: { suspects: readonly Suspect[]; live: number }) {
  if (suspects.length === 0) return <p class="calm">Memory piles up nowhere: no one way leads to a large part of the heap.</p>;
  return (
    <ol class="suspects">
      {suspects.map((suspect, i) => {
        const end = suspect.path[suspect.path.length - 1] ?? '';
        return (
          <li key={i}>
            <span class="size">
              <strong>{bytes(suspect.retained_bytes)}</strong>
              <span class="dim">{percent(suspect.retained_bytes, live)} of live</span>
            </span>
            <span class="way">
              <span class="code end">{suspect.count > 1 && `${count(suspect.count)} × `}{end}</span>
              <span class="code dim">
                {suspect.path.length > 1 && `held by ${suspect.path.slice(0, -1).join(' → ')}`}
                {suspect.largest && ` at ${suspect.largest.addr}`}
              </span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
