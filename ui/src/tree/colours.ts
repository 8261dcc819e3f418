// What a node's colour says: what holds, or what kind of type it is.

import type { Tree } from '../data.ts';
import { kindOf, nodeName } from './tree.ts';

export const CATEGORIES = ['all', 'variable', 'goroutine', 'runtime', 'shared', 'map', 'slice', 'string', 'struct', 'small'] as const;
export type Category = (typeof CATEGORIES)[number];

/** What a colour is called in the legend; the others explain themselves. */
export const LEGEND: [Category, string][] = [
  ['variable', 'variable'],
  ['goroutine', 'goroutine'],
  ['runtime', 'runtime'],
  ['shared', 'shared'],
  ['map', 'map'],
  ['slice', 'slice, array'],
  ['string', 'string'],
  ['struct', 'other type'],
];

export function categoryOf(tree: Tree, node: number): Category {
  const kind = kindOf(tree, node);
  switch (kind) {
    case 'all':
    case 'variable':
    case 'goroutine':
    case 'runtime':
    case 'shared':
      return kind;
    case 'local':
      return 'goroutine';
    case 'timer':
    case 'pool':
    case 'finalizer':
    case 'cleanup':
      return 'runtime';
    case 'omitted':
      return 'small';
    case 'type':
      return categoryOfType(nodeName(tree, node));
  }
}

export function categoryOfType(name: string): Category {
  if (name.startsWith('map[')) return 'map';
  if (name.startsWith('[')) return 'slice';
  return name === 'string' ? 'string' : 'struct';
}

export interface Palette {
  fill: Record<Category, string>;
  text: string;
  dim: string;
  gap: string;
  focus: string;
  font: string;
}

/** The palette of the present theme. */
export function palette(element: Element): Palette {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  const fill = Object.fromEntries(CATEGORIES.map((c) => [c, value(`--node-${c}`)])) as Record<Category, string>;
  return {
    fill,
    text: value('--node-text'),
    dim: value('--node-dim'),
    gap: value('--panel'),
    focus: value('--focus'),
    font: `11px ${value('--mono')}`,
  };
}
