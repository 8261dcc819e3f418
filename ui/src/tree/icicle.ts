// Icicle and flame graph: width is retained bytes, each level a row. Only what can be seen is laid out.

import type { Tree } from '../data.ts';
import { Boxes, REST } from './boxes.ts';

/** The part of the whole that is shown, in bytes from the left. */
export interface Range {
  from: number;
  to: number;
}

/** Boxes narrower than this are put together with their smaller siblings. */
export const LEAST_WIDTH = 1;

export interface IcicleOptions {
  range: Range;
  width: number;
  rowHeight: number;
  /** Rows that are on screen; boxes above and below are not made. */
  rows: { first: number; last: number };
}

export interface IcicleLayout {
  boxes: Boxes;
  /** Rows of everything that is wide enough, on screen or not. */
  depth: number;
}

/**
 * Lays the tree out. A row has at most `width` boxes and one: siblings come largest first, so the first that is too
 * narrow stands for all that follow.
 */
export function icicle(tree: Tree, options: IcicleOptions): IcicleLayout {
  const { range, width, rowHeight, rows } = options;
  const boxes = new Boxes();
  if (tree.length === 0 || !(range.to > range.from) || width <= 0) return { boxes, depth: 0 };
  const scale = width / (range.to - range.from);
  const { retained, shallow, end, depth } = tree;
  let deepest = 0;

  const add = (node: number, row: number, start: number, bytes: number, flag: number) => {
    const left = Math.max(0, (start - range.from) * scale);
    const right = Math.min(width, (start + bytes - range.from) * scale);
    if (right - left <= 0) return;
    deepest = Math.max(deepest, row + 1);
    if (row >= rows.first && row <= rows.last) boxes.push(node, left, row * rowHeight, right - left, rowHeight, flag);
  };

  const nodes = [0];
  const starts = [0];
  add(0, 0, 0, retained[0], 0);
  while (nodes.length > 0) {
    const node = nodes.pop()!;
    let start = starts.pop()!;
    const stop = start + retained[node] - shallow[node];
    for (let child = node + 1; child < end[node]; child = end[child]) {
      if (start >= range.to) break;
      const bytes = retained[child];
      if (bytes * scale < LEAST_WIDTH) {
        if (stop > range.from && (stop - start) * scale >= LEAST_WIDTH) add(child, depth[child], start, stop - start, REST);
        break;
      }
      if (start + bytes > range.from) {
        add(child, depth[child], start, bytes, 0);
        nodes.push(child);
        starts.push(start);
      }
      start += bytes;
    }
  }
  return { boxes, depth: deepest };
}
