// Making trees from columns, and walking them.

import { KINDS, type Kind, type Tree } from '../data.ts';

/** The columns as they are written: one entry for each node, in preorder. */
export interface TreeColumns {
  depth: ArrayLike<number>;
  kind: ArrayLike<number>;
  name: ArrayLike<number>;
  count: ArrayLike<number>;
  shallow: ArrayLike<number>;
}

/** Fills in what follows from the columns. Depths that no preorder has are an error: the rest would draw nonsense. */
export function makeTree(names: string[], columns: TreeColumns): Tree {
  const length = columns.depth.length;
  const tree: Tree = {
    length,
    names,
    name: Uint32Array.from(columns.name),
    kind: Uint8Array.from(columns.kind),
    depth: Uint32Array.from(columns.depth),
    above: new Uint32Array(length),
    end: new Uint32Array(length),
    count: Float64Array.from(columns.count),
    shallow: Float64Array.from(columns.shallow),
    retained: Float64Array.from(columns.shallow),
  };
  linkUp(tree);
  // A node comes after the one above it, so that backwards every sum is complete when it is added.
  for (let node = length - 1; node > 0; node--) {
    tree.retained[tree.above[node]] += tree.retained[node];
  }
  return tree;
}

function linkUp(tree: Tree): void {
  const { depth, above, end, length } = tree;
  const open: number[] = [];
  for (let node = 0; node < length; node++) {
    if (depth[node] > open.length || (node > 0 && depth[node] === 0)) {
      throw new Error(`node ${node} of the tree has no node above it`);
    }
    while (open.length > depth[node]) end[open.pop()!] = node;
    above[node] = open.length > 0 ? open[open.length - 1] : 0;
    open.push(node);
  }
  for (const node of open) end[node] = length;
}

export function nodeName(tree: Tree, node: number): string {
  return tree.names[tree.name[node]] ?? '';
}

export function kindOf(tree: Tree, node: number): Kind {
  return KINDS[tree.kind[node]] ?? 'type';
}

/** The nodes directly below. */
export function* children(tree: Tree, node: number): Generator<number> {
  for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) yield child;
}

/** From the whole down to a node, both among them. */
export function wayTo(tree: Tree, node: number): number[] {
  const way = [node];
  while (node > 0) way.push((node = tree.above[node]));
  return way.reverse();
}

/** Bytes that come before a node when siblings are laid side by side. */
export function startOf(tree: Tree, node: number): number {
  let start = 0;
  for (; node > 0; node = tree.above[node]) {
    for (let sibling = tree.above[node] + 1; sibling < node; sibling = tree.end[sibling]) {
      start += tree.retained[sibling];
    }
  }
  return start;
}

/** The neighbour of a node for an arrow key; the node itself where there is none. */
export function neighbour(tree: Tree, node: number, direction: 'up' | 'down' | 'next' | 'previous'): number {
  const above = tree.above[node];
  switch (direction) {
    case 'up':
      return above;
    case 'down':
      return tree.end[node] > node + 1 ? node + 1 : node;
    case 'next':
      return node > 0 && tree.end[node] < tree.end[above] ? tree.end[node] : node;
    case 'previous': {
      let before = node;
      for (let child = above + 1; child < node; child = tree.end[child]) before = child;
      return before;
    }
  }
}
