// What a cell of an occupancy picture shows, and where it is. The classes are those of the terminal's picture.

import type { Occupancy } from './data.ts';

export const CELLS = ['hole', 'quarter', 'half', 'most', 'full', 'worn', 'grave'] as const;
export type Cell = (typeof CELLS)[number];

export const LEGEND: Record<Cell, string> = {
  hole: 'hole',
  quarter: 'to 25%',
  half: 'to 50%',
  most: 'to 75%',
  full: 'to 100% full',
  worn: 'tombstones in 25% of slots or more',
  grave: 'more tombstones than entries',
};

/** Shares are of 255, rounded up. */
export function cellOf(filled: number, tombstones: number): Cell {
  if (filled === 0 && tombstones === 0) return 'hole';
  if (tombstones > filled) return 'grave';
  if (tombstones >= 64) return 'worn';
  if (filled <= 64) return 'quarter';
  return filled <= 128 ? 'half' : filled <= 192 ? 'most' : 'full';
}

export interface Grid {
  columns: number;
  rows: number;
  /** Side of a cell with the gap after it, in pixels. */
  pitch: number;
}

const PITCHES = [10, 9, 8, 7, 6, 5, 4];
const HIGHEST = 200;

/**
 * The largest cells with which the picture is not too high. Columns are a power of two, as groups are, so that rows line
 * up with tables.
 */
export function gridOf(cells: number, width: number): Grid {
  const grids = PITCHES.map((pitch): Grid => {
    const room = Math.max(1, Math.floor(width / pitch));
    const columns = Math.min(2 ** Math.floor(Math.log2(room)), 2 ** Math.ceil(Math.log2(Math.max(1, cells))));
    return { columns, rows: Math.ceil(cells / columns), pitch };
  });
  return grids.find((grid) => grid.rows * grid.pitch <= HIGHEST) ?? grids[grids.length - 1];
}

/** How many cells of each class there are. */
export function tally({ filled, tombstones }: Occupancy): Map<Cell, number> {
  const counts = new Map<Cell, number>();
  filled.forEach((share, i) => {
    const cell = cellOf(share, tombstones[i]);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  });
  return counts;
}
