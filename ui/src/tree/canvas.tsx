// A canvas that shows a tree as icicle, flame graph or treemap. It draws what it is told and says what was pointed at.

import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import type { Tree } from '../data.ts';
import { useDrawing } from '../drawing.ts';
import { colours, printing } from '../page.ts';
import { useResize } from '../resize.ts';
import { Boxes } from './boxes.ts';
import { palette } from './colours.ts';
import { icicle, type Range } from './icicle.ts';
import { paint } from './paint.ts';
import type { Matches } from './search.ts';
import { treemap } from './treemap.ts';

export type Mode = 'icicle' | 'flame' | 'treemap';

/** Something that was pointed at: a node, or it and its smaller siblings. */
export interface Hit {
  node: number;
  flag: number;
}

export interface TreeCanvasProps {
  tree: ReadonlySignal<Tree>;
  mode: ReadonlySignal<Mode>;
  range: ReadonlySignal<Range>;
  /** What a treemap fills its room with. */
  root: ReadonlySignal<number>;
  focus: ReadonlySignal<number>;
  matches: ReadonlySignal<Matches | undefined>;
  onHover: (hit: Hit | undefined, x: number, y: number) => void;
  onPick: (hit: Hit, touch: boolean) => void;
  onZoom: (factor: number, place: number) => void;
  onPan: (share: number) => void;
}

const ROW = 21;
/** Room for a picture that is not deep. */
const LEAST_ROWS = 7;
/** Pixels that a pointer moves before it is a drag and no click. */
const DRAG = 4;

export function TreeCanvas(props: TreeCanvasProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const scroll = useSignal(0);
  const content = useSignal(0);
  /** The deepest that was shown so far: the page below does not jump when a part is shown that is less deep. */
  const deepest = useSignal({ tree: props.tree.peek(), rows: 0 });
  const hover = useSignal<number | undefined>(undefined);
  const drawn = useRef({ boxes: new Boxes(), top: (y: number, _h: number) => y });
  const pressed = useRef<{ x: number; moved: boolean } | undefined>(undefined);

  useResize(scroller, (element) => {
    if (!printing.peek()) size.value = { width: element.clientWidth, height: element.clientHeight };
  });
  useEffect(() => {
    const element = scroller.current!;
    const wheel = (event: WheelEvent) => {
      const horizontal = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!event.ctrlKey && !event.metaKey && !horizontal) return; // the page scrolls
      event.preventDefault();
      const { width } = size.peek();
      if (horizontal && !event.ctrlKey) props.onPan(event.deltaX / width);
      else props.onZoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 120), event.offsetX / width);
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, []);

  // Flame graphs stand on the ground.
  useDrawing(() => {
    const element = scroller.current;
    if (!element || size.value.height === 0) return;
    element.scrollTop = props.mode.value === 'flame' ? content.peek() : 0;
  });

  useDrawing(() => {
    const { width, height } = size.value;
    void colours.value;
    if (width === 0 || !canvas.current) return;
    const scene = layOut(props, width, height, scroll.value);
    content.value = scene.content;
    const tree = props.tree.value;
    const before = deepest.peek();
    if (before.tree !== tree || before.rows < scene.rows) deepest.value = { tree, rows: scene.rows };
    drawn.current = scene;
    const context = sized(canvas.current, width, height);
    paint(context, {
      tree: props.tree.value,
      boxes: scene.boxes,
      palette: palette(canvas.current),
      top: scene.top,
      focus: props.focus.value,
      hover: hover.value,
      matches: props.matches.value,
    });
    canvas.current.dataset.boxes = String(scene.boxes.length);
  });

  const hitAt = (event: PointerEvent): Hit | undefined => {
    const { boxes, top } = drawn.current;
    // Boxes upside down: the flip is its own inverse.
    const index = boxes.at(event.offsetX, top(event.offsetY, 0));
    hover.value = index;
    return index === undefined ? undefined : { node: boxes.node[index], flag: boxes.flag[index] };
  };
  const onMove = (event: PointerEvent) => {
    const press = pressed.current;
    if (press && event.pointerType === 'mouse') {
      const by = event.clientX - press.x;
      if (!press.moved && Math.abs(by) < DRAG) return;
      press.moved = true;
      press.x = event.clientX;
      props.onHover(undefined, 0, 0);
      props.onPan(-by / size.peek().width);
      return;
    }
    if (event.pointerType === 'mouse') props.onHover(hitAt(event), event.clientX, event.clientY);
  };
  const onUp = (event: PointerEvent) => {
    const press = pressed.current;
    pressed.current = undefined;
    if (!press || press.moved) return;
    const hit = hitAt(event);
    if (hit) props.onPick(hit, event.pointerType !== 'mouse');
  };
  const leave = () => {
    pressed.current = undefined;
    hover.value = undefined;
    props.onHover(undefined, 0, 0);
  };
  return (
    <div
      class="tree-scroll"
      ref={scroller}
      style={props.mode.value === 'treemap' ? { height: '' } : { height: `${Math.max(LEAST_ROWS, deepest.value.rows) * ROW}px` }}
      onScroll={(event) => (scroll.value = event.currentTarget.scrollTop)}
    >
      <div class="tree-content" style={{ height: `${content.value}px` }}>
        <canvas
          ref={canvas}
          aria-hidden="true"
          onPointerDown={(event) => {
            if (event.button !== 0) return;
            pressed.current = { x: event.clientX, moved: false };
            if (event.pointerType === 'mouse') event.currentTarget.setPointerCapture(event.pointerId);
          }}
          onPointerMove={onMove}
          onPointerUp={onUp}
          onPointerCancel={leave}
          onPointerLeave={leave}
        />
      </div>
    </div>
  );
}

interface LaidOut {
  boxes: Boxes;
  top: (y: number, height: number) => number;
  /** Height of everything, on screen or not. */
  content: number;
  /** Rows of everything; none of a treemap. */
  rows: number;
}

function layOut(props: TreeCanvasProps, width: number, height: number, scroll: number): LaidOut {
  const tree = props.tree.value;
  const mode = props.mode.value;
  if (mode === 'treemap') {
    return { boxes: treemap(tree, props.root.value, width, height), top: (y) => y, content: height, rows: 0 };
  }
  const all = { range: props.range.value, width, rowHeight: ROW };
  // Once to know how deep it is, once for what is on screen.
  const { depth } = icicle(tree, { ...all, rows: { first: 0, last: -1 } });
  const content = Math.max(height, depth * ROW);
  const flame = mode === 'flame';
  const from = flame ? content - scroll - height : scroll;
  const rows = { first: Math.floor(from / ROW), last: Math.floor((from + height) / ROW) };
  const { boxes } = icicle(tree, { ...all, rows });
  return { boxes, content, rows: depth, top: flame ? (y, h) => content - scroll - y - h : (y) => y - scroll };
}

/** A context whose unit is a pixel of the page, whatever those of the screen are. */
function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
