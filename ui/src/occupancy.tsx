// The occupancy picture of a map, on a canvas: a cell for each group, or for a run of them.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

import type { Occupancy as Picture } from './data.ts';
import { useDrawing } from './drawing.ts';
import { count, percent, plural } from './format.ts';
import { CELLS, type Cell, LEGEND, cellOf, gridOf, tally } from './occupancy-picture.ts';
import { colours } from './page.ts';
import { useResize } from './resize.ts';

/** In smaller cells a mark is only noise. */
const LEAST_MARKED = 6;

export function Occupancy({ picture, noun }: { picture: Picture; noun: string }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useSignal(0);
  const hovered = useSignal<number | undefined>(undefined);
  const counts = tally(picture);
  const cells = picture.filled.length;
  const grid = gridOf(cells, width.value || 600);

  useResize(box, (element) => (width.value = element.clientWidth));
  useDrawing(() => {
    void colours.value;
    if (width.value === 0 || !canvas.current) return;
    const { columns, pitch } = gridOf(cells, width.value);
    draw(canvas.current, picture, columns, pitch);
  });

  const onMove = (event: PointerEvent) => {
    const column = Math.floor(event.offsetX / grid.pitch);
    const index = Math.floor(event.offsetY / grid.pitch) * grid.columns + column;
    hovered.value = column < grid.columns && index < cells ? index : undefined;
  };
  const summary = CELLS.filter((cell) => counts.has(cell)).map((cell) => `${LEGEND[cell]}: ${percent(counts.get(cell), cells)}`);
  return (
    <figure class="occupancy" ref={box}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`Occupancy of ${plural(picture.groups, noun, `${noun}s`)}. ${summary.join(', ')}`}
        onPointerMove={onMove}
        onPointerLeave={() => (hovered.value = undefined)}
      />
      <figcaption>
        <span class="legend">
          {CELLS.filter((cell) => counts.has(cell)).map((cell) => (
            <span key={cell}>
              <i class={`cell ${cell}`} aria-hidden="true" />
              {LEGEND[cell]} <span class="dim">{percent(counts.get(cell), cells)}</span>
            </span>
          ))}
        </span>
        <span class="dim">{describe(picture, noun, hovered.value)}</span>
      </figcaption>
    </figure>
  );
}

function describe(picture: Picture, noun: string, cell: number | undefined): string {
  const run = picture.groups_per_cell;
  if (cell === undefined) return run === 1 ? `a cell is one ${noun}` : `a cell is ${count(run)} ${noun}s`;
  const first = cell * run;
  const last = Math.min(first + run, picture.groups) - 1;
  const which = first === last ? `${noun} ${count(first)}` : `${noun}s ${count(first)}–${count(last)}`;
  const share = (part: number) => (part === 0 ? '0%' : `${Math.round((part * 100) / 255)}%`);
  const dead = picture.tombstones[cell];
  return `${which}: ${share(picture.filled[cell])} filled${dead > 0 ? `, ${share(dead)} tombstones` : ''}`;
}

function draw(canvas: HTMLCanvasElement, picture: Picture, columns: number, pitch: number): void {
  const cells = picture.filled.length;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [columns * pitch, Math.ceil(cells / columns) * pitch];
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d')!;
  const style = getComputedStyle(canvas);
  const fill = Object.fromEntries(CELLS.map((cell) => [cell, style.getPropertyValue(`--cell-${cell}`)])) as Record<Cell, string>;
  const mark = style.getPropertyValue('--panel');
  context.scale(ratio, ratio);
  const side = pitch - 1;
  for (let i = 0; i < cells; i++) {
    const cell = cellOf(picture.filled[i], picture.tombstones[i]);
    const [x, y] = [(i % columns) * pitch, Math.floor(i / columns) * pitch];
    context.fillStyle = fill[cell];
    context.fillRect(x, y, side, side);
    // Shape says it too, for those who do not see the colour.
    if ((cell !== 'worn' && cell !== 'grave') || side < LEAST_MARKED) continue;
    context.strokeStyle = mark;
    context.beginPath();
    context.moveTo(x, y + side);
    context.lineTo(x + side, y);
    if (cell === 'grave') {
      context.moveTo(x, y);
      context.lineTo(x + side, y + side);
    }
    context.stroke();
  }
}
