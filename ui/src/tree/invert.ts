// The tree the other way round: types first, below each what holds its objects, up to the holder.

import { KINDS, type Tree } from '../data.ts';
import { makeTree } from './tree.ts';

/** Nodes that are turned round one by one; the rest together are one node. More would not be seen, but waited for. */
export const MOST_NODES = 20_000;

interface Turned {
  name: number;
  kind: number;
  count: number;
  bytes: number;
  below: Map<number, Turned>;
}

const OMITTED = KINDS.indexOf('omitted');

/** Each object counts once, in the node of its type and on the way to what holds it. */
export function invert(tree: Tree, most = MOST_NODES): Tree {
  const own: number[] = [];
  for (let node = 1; node < tree.length; node++) if (tree.shallow[node] > 0) own.push(node);
  own.sort((a, b) => tree.shallow[b] - tree.shallow[a] || a - b);

  const fresh = (name: number, kind: number): Turned => ({ name, kind, count: 0, bytes: 0, below: new Map() });
  const whole = fresh(tree.name[0], tree.kind[0]);
  const enter = (from: Turned, node: number): Turned => {
    const key = tree.name[node] * KINDS.length + tree.kind[node];
    let to = from.below.get(key);
    if (!to) from.below.set(key, (to = fresh(tree.name[node], tree.kind[node])));
    return to;
  };
  for (const node of own.slice(0, most)) {
    let at = whole;
    at.bytes += tree.shallow[node];
    for (let up = node; up > 0; up = tree.above[up]) {
      at = enter(at, up);
      at.bytes += tree.shallow[node];
      at.count += tree.count[node];
    }
  }
  const rest = own.slice(most);
  if (rest.length > 0) {
    const bytes = rest.reduce((sum, node) => sum + tree.shallow[node], 0);
    whole.bytes += bytes;
    whole.below.set(-1, { ...fresh(tree.names.length, OMITTED), count: rest.length, bytes });
  }
  return { ...flatten([...tree.names, ''], whole), byType: true };
}

/** In preorder, most bytes first. */
function flatten(names: string[], whole: Turned): Tree {
  const columns = { depth: [] as number[], kind: [] as number[], name: [] as number[], count: [] as number[], shallow: [] as number[] };
  const open: [Turned, number][] = [[whole, 0]];
  while (open.length > 0) {
    const [node, depth] = open.pop()!;
    const below = [...node.below.values()].sort((a, b) => a.bytes - b.bytes);
    columns.depth.push(depth);
    columns.kind.push(node.kind);
    columns.name.push(node.name);
    columns.count.push(node.count);
    // What ways that go on do not account for ends here.
    columns.shallow.push(node.bytes - below.reduce((sum, n) => sum + n.bytes, 0));
    for (const next of below) open.push([next, depth + 1]);
  }
  return makeTree(names, columns);
}
