// A node in words.

import type { Tree } from '../data.ts';
import { bytes, count, percent, plural } from '../format.ts';
import { children, kindOf, nodeName, wayTo } from './tree.ts';

export function titleOf(tree: Tree, node: number): string {
  switch (kindOf(tree, node)) {
    case 'all':
      return 'all live objects';
    case 'omitted':
      return `${count(tree.count[node])} smaller nodes`;
    default:
      return nodeName(tree, node) || '(unknown)';
  }
}

/** What is known of a node: a phrase for each fact. */
export function factsOf(tree: Tree, node: number): string[] {
  const kind = kindOf(tree, node);
  const retained = `${bytes(tree.retained[node])}, ${percent(tree.retained[node], tree.retained[0])} of live`;
  if (kind === 'all') return [retained];
  if (kind === 'omitted') return [retained, 'too small to be in the file one by one'];
  if (tree.byType) return factsByType(tree, node, retained);
  const facts = [`retains ${retained}`];
  if (kind === 'type') {
    facts.push(`${plural(tree.count[node], 'object', 'objects')} of ${bytes(tree.shallow[node])}`);
  } else {
    facts.push(kind === 'shared' ? 'several holders reach it' : tree.count[node] > 1 ? `${count(tree.count[node])} × ${kind}` : kind);
  }
  return facts;
}

/** The first level are types, those below hold their objects. */
function factsByType(tree: Tree, node: number, size: string): string[] {
  const objects = plural(tree.count[node], 'object', 'objects');
  if (tree.depth[node] === 1) return [`${objects} of ${size}`];
  const type = wayTo(tree, node)[1];
  return [`holds ${objects} of ${titleOf(tree, type)}`, size];
}

/** A sentence for the line below the picture, and for screen readers. */
export function describe(tree: Tree, node: number): string {
  let below = 0;
  for (const _ of children(tree, node)) if (++below > 1000) break;
  const inside = below === 0 ? '' : ` · ${below > 1000 ? 'more than 1,000' : plural(below, 'node', 'nodes')} below`;
  return `${titleOf(tree, node)} · ${factsOf(tree, node).join(' · ')}${inside}`;
}
