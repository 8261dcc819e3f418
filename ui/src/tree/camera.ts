// Moving over a tree whose nodes lie side by side: which part of the whole is shown.

import type { Tree } from '../data.ts';
import type { Range } from './icicle.ts';
import { startOf } from './tree.ts';

/** The part that a node takes. */
export function rangeOf(tree: Tree, node: number): Range {
  const from = startOf(tree, node);
  return { from, to: from + tree.retained[node] };
}

/** The part that a node and all its smaller siblings take. */
export function rangeOfRest(tree: Tree, node: number): Range {
  const above = tree.above[node];
  return { from: startOf(tree, node), to: startOf(tree, above) + tree.retained[above] - tree.shallow[above] };
}

/** Closer (`factor` below 1) or further away, around a place (0 is the left edge, 1 the right). */
export function zoomed({ from, to }: Range, factor: number, place: number, whole: number): Range {
  // A screen cannot tell parts of a byte apart.
  const span = Math.min(whole, Math.max(Math.min(64, whole), (to - from) * factor));
  const start = from + (to - from - span) * place;
  return inside({ from: start, to: start + span }, whole);
}

/** To the right by a share of what is shown. */
export function panned({ from, to }: Range, share: number, whole: number): Range {
  const by = (to - from) * share;
  return inside({ from: from + by, to: to + by }, whole);
}

function inside({ from, to }: Range, whole: number): Range {
  const shift = from < 0 ? -from : Math.min(0, whole - to);
  return { from: Math.max(0, from + shift), to: Math.min(whole, to + shift) };
}

/** The deepest node that takes all of a part. */
export function covering(tree: Tree, { from, to }: Range): number {
  // Rounding may put a border a hair off.
  const slack = (to - from) * 1e-9;
  let node = 0;
  let start = 0;
  for (let child = 1; child < tree.end[node]; ) {
    const stop = start + tree.retained[child];
    if (start <= from + slack && stop >= to - slack) {
      node = child;
      child = node + 1;
      continue;
    }
    if (start > from + slack) break;
    start = stop;
    child = tree.end[child];
  }
  return node;
}

/** Between two parts; `t` from 0 to 1, slowly at both ends. */
export function between(a: Range, b: Range, t: number): Range {
  const s = t * t * (3 - 2 * t);
  return { from: a.from + (b.from - a.from) * s, to: a.to + (b.to - a.to) * s };
}
