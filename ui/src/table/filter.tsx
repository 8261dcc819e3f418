// The line above a table: words, a least size, how many rows are left.

import type { Signal } from '@preact/signals';

import { count, parseSize } from '../format.ts';

export interface FilterProps {
  /** What is filtered, in the plural: `maps`. */
  what: string;
  /** Where the words are looked for. */
  placeholder: string;
  words: Signal<string>;
  /** The least size as it is typed. */
  least?: Signal<string>;
  shown: number;
  listed: number;
  /** All of the target's; more than are listed when the largest only are in the file. */
  total: number;
}

export function Filter({ what, placeholder, words, least, shown, listed, total }: FilterProps) {
  const wrong = least !== undefined && parseSize(least.value) === undefined;
  const filtered = shown < listed;
  return (
    <div class="filter" role="search" aria-label={`Filter ${what}`}>
      <input
        type="search"
        placeholder={placeholder}
        aria-label={placeholder}
        value={words.value}
        onInput={(event) => (words.value = event.currentTarget.value)}
      />
      {least && (
        <input
          class="least"
          type="text"
          inputMode="text"
          placeholder="min. 10MiB"
          aria-label={`Least bytes of ${what}, such as 10MiB`}
          aria-invalid={wrong}
          value={least.value}
          onInput={(event) => (least.value = event.currentTarget.value)}
        />
      )}
      <span class="shown" role="status">
        {filtered ? `${count(shown)} of ${count(listed)} ${what}` : `${count(listed)} ${what}`}
        {listed < total && `, the largest of ${count(total)}`}
      </span>
    </div>
  );
}
