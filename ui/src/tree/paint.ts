// Draws boxes. Everything that costs is done once for all of them.

import type { Tree } from '../data.ts';
import { bytes, shortName } from '../format.ts';
import { type Boxes, FRAME, OWN, REST } from './boxes.ts';
import { type Category, type Palette, categoryOf } from './colours.ts';
import { titleOf } from './describe.ts';
import type { Matches } from './search.ts';
import { hasHeading } from './treemap.ts';

export interface Scene {
  tree: Tree;
  boxes: Boxes;
  palette: Palette;
  /** From the layout to the canvas: `y` for the top of a box, which may be upside down. */
  top: (y: number, height: number) => number;
  focus: number;
  hover: number | undefined;
  matches: Matches | undefined;
}

/** Characters that are still worth reading. */
const LEAST_CHARACTERS = 4;
const FADED = 0.28;

export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { boxes, tree, palette, top, matches } = scene;
  fillBoxes(context, scene);
  context.font = palette.font;
  context.textBaseline = 'middle';
  const character = context.measureText('m').width;
  const labels = new Map<number, string>();
  for (let i = 0; i < boxes.length; i++) {
    const flag = boxes.flag[i];
    const room = Math.floor((boxes.w[i] - 8) / character);
    if (room < LEAST_CHARACTERS || boxes.h[i] < 13) continue;
    if (flag & FRAME && !hasHeading(boxes.w[i], boxes.h[i])) continue;
    const node = boxes.node[i];
    let text = labels.get(node);
    if (text === undefined || flag !== 0) {
      text = flag & REST ? '…' : flag & OWN ? 'own objects' : shortName(titleOf(tree, node));
      if (flag === 0) labels.set(node, text);
    }
    const y = top(boxes.y[i], boxes.h[i]);
    const line = flag & FRAME || boxes.h[i] < 34 ? Math.min(boxes.h[i], 19) / 2 : 11;
    const faded = matches !== undefined && matches.names[tree.name[node]] === 0;
    context.fillStyle = faded || flag & (OWN | REST) ? palette.dim : palette.text;
    context.fillText(clipped(text, room), boxes.x[i] + 4, y + line + 0.5);
    const size = bytes(tree.retained[node]);
    if (flag & (OWN | REST)) continue;
    if (boxes.h[i] >= 40 && !(flag & FRAME)) {
      if (size.length <= room) context.fillText(size, boxes.x[i] + 4, y + line + 14);
    } else if (text.length + size.length + 3 <= room) {
      context.fillStyle = palette.dim;
      context.fillText(size, boxes.x[i] + boxes.w[i] - 4 - size.length * character, y + line + 0.5);
    }
  }
  outline(context, scene);
}

function fillBoxes(context: CanvasRenderingContext2D, { boxes, tree, palette, top, matches }: Scene): void {
  const categories = new Map<number, Category>();
  let last = '';
  for (let i = 0; i < boxes.length; i++) {
    const node = boxes.node[i];
    let category: Category | undefined = boxes.flag[i] & REST ? 'small' : categories.get(node);
    if (category === undefined) categories.set(node, (category = categoryOf(tree, node)));
    const alpha = matches && (boxes.flag[i] & REST || matches.names[tree.name[node]] === 0) ? FADED : 1;
    if (context.globalAlpha !== alpha) context.globalAlpha = alpha;
    const colour = palette.fill[category];
    if (colour !== last) context.fillStyle = last = colour;
    const [x, w] = [boxes.x[i], boxes.w[i]];
    // A gap between neighbours, where there is room for one; in the gap shines what lies below.
    const gap = w > 3 ? 1 : 0;
    if (boxes.flag[i] & FRAME) {
      context.fillRect(x, top(boxes.y[i], boxes.h[i]), w, boxes.h[i]);
      if (context.globalAlpha !== 1) context.globalAlpha = 1;
      context.fillStyle = last = palette.gap;
      context.strokeStyle = palette.gap;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, top(boxes.y[i], boxes.h[i]) + 0.5, w - 1, boxes.h[i] - 1);
    } else {
      context.fillRect(x, top(boxes.y[i], boxes.h[i]), w - gap, boxes.h[i] - 1);
    }
  }
  context.globalAlpha = 1;
}

function outline(context: CanvasRenderingContext2D, { boxes, palette, top, focus, hover }: Scene): void {
  const draw = (i: number | undefined, width: number, colour: string) => {
    if (i === undefined) return;
    context.strokeStyle = colour;
    context.lineWidth = width;
    const inset = width / 2;
    context.strokeRect(boxes.x[i] + inset, top(boxes.y[i], boxes.h[i]) + inset, Math.max(1, boxes.w[i] - width), boxes.h[i] - width);
  };
  draw(hover !== undefined && hover < boxes.length ? hover : undefined, 1, palette.text);
  // The whole is what is looked at anyway.
  if (focus !== 0) draw(boxes.of(focus), 2, palette.focus);
}

/** The end of a Go name says more than its middle: `map[stri….Session`. */
export function clipped(text: string, room: number): string {
  if (text.length <= room) return text;
  if (room < 8) return `${text.slice(0, room - 1)}…`;
  const tail = Math.floor((room - 1) / 2);
  return `${text.slice(0, room - 1 - tail)}…${text.slice(text.length - tail)}`;
}
