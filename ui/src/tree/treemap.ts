// Treemap: area is retained bytes, boxes lie in the box of what dominates them. Squarified (Bruls, Huizing and van
// Wijk, 2000), and cut off where a box is too small to be seen.

import type { Tree } from '../data.ts';
import { Boxes, FRAME, OWN, REST } from './boxes.ts';

/** Square pixels; smaller boxes are put together with their smaller siblings. */
export const LEAST_AREA = 16;
/** Room for the name of a box that has others inside, and around these. */
export const HEADING = 17;
const EDGE = 2;
/** Boxes inside a smaller one could not be told apart. */
const LEAST_SIDE = 14;

interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Something with a size that is to be placed. */
interface Item {
  node: number;
  bytes: number;
  flag: number;
}

/** Lays out what is below `root` in the given room, `root` as its frame. */
export function treemap(tree: Tree, root: number, width: number, height: number): Boxes {
  const boxes = new Boxes();
  if (tree.length === 0 || tree.retained[root] <= 0 || width <= 0 || height <= 0) return boxes;
  const open: { node: number; rect: Rect }[] = [];
  const place = (item: Item, rect: Rect) => {
    const inside = item.flag === 0 && tree.end[item.node] > item.node + 1 ? inner(rect) : undefined;
    boxes.push(item.node, rect.x, rect.y, rect.w, rect.h, inside ? FRAME : item.flag);
    if (inside) open.push({ node: item.node, rect: inside });
  };
  place({ node: root, bytes: tree.retained[root], flag: 0 }, { x: 0, y: 0, w: width, h: height });
  while (open.length > 0) {
    const { node, rect } = open.pop()!;
    squarify(itemsBelow(tree, node, (rect.w * rect.h) / tree.retained[node]), rect, place);
  }
  return boxes;
}

/** A box with others inside has a line of its own for its name. */
export function hasHeading(w: number, h: number): boolean {
  return h > 2 * HEADING && w > 3 * HEADING;
}

/** The room inside a box; none when it is too small for others. */
function inner({ x, y, w, h }: Rect): Rect | undefined {
  const top = hasHeading(w, h) ? HEADING : EDGE;
  const rect = { x: x + EDGE, y: y + top, w: w - 2 * EDGE, h: h - top - EDGE };
  return rect.w >= LEAST_SIDE && rect.h >= LEAST_SIDE ? rect : undefined;
}

/** What is below a node, and its own objects, largest first; what is too small as one. `scale`: square pixels a byte. */
function itemsBelow(tree: Tree, node: number, scale: number): Item[] {
  const items: Item[] = [];
  let left = tree.retained[node] - tree.shallow[node];
  for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) {
    const bytes = tree.retained[child];
    if (bytes * scale < LEAST_AREA) {
      if (left * scale >= LEAST_AREA) items.push({ node: child, bytes: left, flag: REST });
      break;
    }
    items.push({ node: child, bytes, flag: 0 });
    left -= bytes;
  }
  if (tree.shallow[node] * scale >= LEAST_AREA) items.push({ node, bytes: tree.shallow[node], flag: OWN });
  return items.sort((a, b) => b.bytes - a.bytes);
}

/** Fills a rectangle with the items, row by row along its shorter side, each row as square as it gets. */
export function squarify(items: Item[], room: Rect, place: (item: Item, rect: Rect) => void): void {
  let bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  let { x, y, w, h } = room;
  let first = 0;
  while (first < items.length && bytes > 0 && w > 0 && h > 0) {
    const scale = (w * h) / bytes;
    const side = Math.min(w, h);
    const { last, sum } = row(items, first, scale, side);
    const thick = Math.min((sum * scale) / side, Math.max(w, h));
    let along = 0;
    for (let i = first; i < last; i++) {
      const length = (items[i].bytes / sum) * side;
      place(items[i], w >= h ? { x, y: y + along, w: thick, h: length } : { x: x + along, y, w: length, h: thick });
      along += length;
    }
    if (w >= h) [x, w] = [x + thick, w - thick];
    else [y, h] = [y + thick, h - thick];
    bytes -= sum;
    first = last;
  }
}

/** The items from `first` that make the row whose worst box is nearest to a square. */
function row(items: Item[], first: number, scale: number, side: number): { last: number; sum: number } {
  const worst = (largest: number, smallest: number, sum: number) => {
    const area = sum * scale;
    return Math.max((side * side * largest * scale) / (area * area), (area * area) / (side * side * smallest * scale));
  };
  let sum = items[first].bytes;
  let best = worst(sum, sum, sum);
  let last = first + 1;
  for (; last < items.length; last++) {
    const more = sum + items[last].bytes;
    const next = worst(items[first].bytes, items[last].bytes, more);
    if (next > best) break;
    best = next;
    sum = more;
  }
  return { last, sum };
}
