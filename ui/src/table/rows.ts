// Which rows of a table are shown, and in which order. Rows are numbers: a hundred thousand are not copied.

export type Key = number | string | undefined;

export interface SortOrder {
  column: string;
  descending: boolean;
}

/** The text of each row in lower case, made when the first filter asks for it. */
export function searchTexts<R>(rows: readonly R[], text: (row: R) => string): (row: number) => string {
  let texts: string[] | undefined;
  return (row) => (texts ??= rows.map((r) => text(r).toLowerCase()))[row];
}

/** The rows whose text has every word, in any case, and whose size is at least `least`. */
export function filterRows(
  length: number,
  text: (row: number) => string,
  words: string,
  least = 0,
  size: (row: number) => number = () => 0,
): Uint32Array {
  const wanted = words.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const kept = new Uint32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) {
    if (least > 0 && size(row) < least) continue;
    if (wanted.length > 0) {
      const lower = text(row);
      if (!wanted.every((word) => lower.includes(word))) continue;
    }
    kept[count++] = row;
  }
  return kept.subarray(0, count);
}

/**
 * Sorts rows by a key. Those without one are last in either direction; equal ones stay in their first order.
 */
export function sortRows(rows: Uint32Array, key: (row: number) => Key, descending: boolean): Uint32Array {
  const keys = Array.from(rows, key);
  const numbers = keys.every((value) => value === undefined || typeof value === 'number');
  const column = Float64Array.from((numbers ? keys : ranks(keys)) as number[]); // undefined becomes NaN
  const sign = descending ? -1 : 1;
  const order = Uint32Array.from(rows.keys());
  order.sort((a, b) => {
    const [x, y] = [column[a], column[b]];
    if (x !== x || y !== y) return (x !== x ? 1 : 0) - (y !== y ? 1 : 0) || rows[a] - rows[b];
    return sign * (x - y) || rows[a] - rows[b];
  });
  return Uint32Array.from(order, (i) => rows[i]);
}

/** A name is compared once with each other name, not once for each row that has it. */
function ranks(keys: Key[]): (number | undefined)[] {
  const names = [...new Set(keys)].filter((key) => key !== undefined).map(String);
  names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const rank = new Map(names.map((name, i) => [name, i]));
  return keys.map((key) => (key === undefined ? undefined : rank.get(String(key))));
}
