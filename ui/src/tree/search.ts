// Which nodes a search finds.

import type { Tree } from '../data.ts';

export interface Matches {
  /** For each name of the tree, 1 when it matches. */
  names: Uint8Array;
  nodes: number;
  /** Retained by what matches; what lies below another match counts with that one. */
  bytes: number;
}

/** Every word must be somewhere in the name, in any case. No words find nothing. */
export function search(tree: Tree, text: string): Matches | undefined {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return undefined;
  const names = Uint8Array.from(tree.names, (name) => {
    const lower = name.toLowerCase();
    return words.every((word) => lower.includes(word)) ? 1 : 0;
  });
  const found: Matches = { names, nodes: 0, bytes: 0 };
  let counted = 0;
  for (let node = 1; node < tree.length; node++) {
    if (names[tree.name[node]] === 0) continue;
    found.nodes++;
    if (node < counted) continue;
    found.bytes += tree.retained[node];
    counted = tree.end[node];
  }
  return found;
}

/** The next match after a node, around the end; undefined when there is none. */
export function nextMatch(tree: Tree, matches: Matches, from: number, backward = false): number | undefined {
  for (let step = 1; step <= tree.length; step++) {
    const node = (from + (backward ? tree.length - step : step)) % tree.length;
    if (node > 0 && matches.names[tree.name[node]] === 1) return node;
  }
  return undefined;
}
