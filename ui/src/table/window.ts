// Which rows of a scrolled table are on screen. All rows have one height, but for what is below an open one.

export interface Window {
  /** The first row on screen, and the one after the last. */
  first: number;
  last: number;
  /** Height of what comes before and after, in pixels. */
  before: number;
  after: number;
}

export interface Scrolled {
  rows: number;
  rowHeight: number;
  top: number;
  height: number;
  /** The row below which details are shown, and how high these are. */
  open?: { row: number; height: number } | undefined;
}

/** Rows beyond the edges that are there too, so that scrolling by a little shows no gap. */
const MARGIN = 6;

export function visibleRows({ rows, rowHeight, top, height, open }: Scrolled): Window {
  const extra = open?.height ?? 0;
  // The row at a height, when the details take their part.
  const at = (y: number) => {
    if (!open) return Math.floor(y / rowHeight);
    const below = (open.row + 1) * rowHeight;
    return y < below ? Math.floor(y / rowHeight) : Math.max(open.row, Math.floor((y - extra) / rowHeight));
  };
  const first = Math.min(Math.max(0, at(top) - MARGIN), Math.max(0, rows - 1));
  const last = Math.min(rows, at(top + height) + 1 + MARGIN);
  return {
    first,
    last,
    before: first * rowHeight + (open && open.row < first ? extra : 0),
    after: Math.max(0, rows - last) * rowHeight + (open && open.row >= last ? extra : 0),
  };
}

/** Where a row is, in pixels from the top. */
export function rowTop(row: number, rowHeight: number, open?: { row: number; height: number }): number {
  return row * rowHeight + (open && open.row < row ? open.height : 0);
}

/** Which columns fit: those that matter least leave first. Widths in pixels; the first column is never left out. */
export function fittingColumns(columns: readonly { width: number; rank: number }[], room: number): boolean[] {
  const shown = columns.map(() => true);
  let width = columns.reduce((sum, column) => sum + column.width, 0);
  const leaving = columns.map((_, i) => i).slice(1);
  leaving.sort((a, b) => columns[b].rank - columns[a].rank || b - a);
  for (const i of leaving) {
    if (width <= room) break;
    shown[i] = false;
    width -= columns[i].width;
  }
  return shown;
}
