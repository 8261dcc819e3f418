// Who holds what: the dominator tree as icicle, flame graph or treemap, by mouse, touch and keyboard.

import { batch, useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';

import type { Tree } from '../data.ts';
import { count, bytes, percent, plural } from '../format.ts';
import { reducedMotion } from '../page.ts';
import { REST } from './boxes.ts';
import { between, covering, panned, rangeOf, rangeOfRest, zoomed } from './camera.ts';
import { type Hit, type Mode, TreeCanvas } from './canvas.tsx';
import { LEGEND, categoryOf } from './colours.ts';
import { describe, factsOf, titleOf } from './describe.ts';
import type { Range } from './icicle.ts';
import { invert } from './invert.ts';
import { nextMatch, search } from './search.ts';
import { neighbour, startOf, wayTo } from './tree.ts';

const MODES: [Mode, string][] = [
  ['icicle', 'Icicle'],
  ['flame', 'Flame graph'],
  ['treemap', 'Treemap'],
];
const ZOOM_MS = 160;
/** A node narrower than this share of the picture is brought nearer before it gets the focus. */
const LEAST_SHARE = 1 / 150;

export function TreeView({ tree: given }: { tree: Tree }) {
  const mode = useSignal<Mode>('icicle');
  const byType = useSignal(false);
  const inverted = useRef<Tree | undefined>(undefined);
  const tree = useComputed(() => (byType.value ? (inverted.current ??= invert(given)) : given));
  const whole = given.retained[0] ?? 0;
  const range = useSignal<Range>({ from: 0, to: whole });
  const zoom = useSignal(0);
  const focus = useSignal(0);
  const words = useSignal('');
  const matches = useComputed(() => search(tree.value, words.value));
    const tip = useSignal<{ hit: Hit; x: number; y: number } | undefined>(undefined);
  const frame = useRef(0);
  const searchBox = useRef<HTMLInputElement>(null);

  const fly = (to: Range) => {
    cancelAnimationFrame(frame.current);
    const from = range.peek();
    if (reducedMotion()) {
      range.value = to;
      return;
    }
    const started = performance.now();
    const step = (now: number) => {
      const t = Math.min(1, (now - started) / ZOOM_MS);
      range.value = between(from, to, Math.max(0, t));
      if (t < 1) frame.current = requestAnimationFrame(step);
    };
    frame.current = requestAnimationFrame(step);
  };
  const show = (to: Range) => {
    batch(() => {
      zoom.value = covering(tree.value, to);
      if (mode.value === 'treemap') range.value = to;
    });
    if (mode.value !== 'treemap') fly(to);
  };
  const zoomTo = (node: number) => {
    batch(() => {
      focus.value = node;
      zoom.value = node;
      if (mode.value === 'treemap') range.value = rangeOf(tree.value, node);
    });
    if (mode.value !== 'treemap') fly(rangeOf(tree.value, node));
  };
  const reset = () => zoomTo(0);
  const scaleBy = (factor: number, place: number) => {
    if (mode.value === 'treemap') {
      // Boxes in boxes have no place in between.
      if (factor < 1) zoomTo(focus.value);
      else zoomTo(tree.value.above[zoom.value]);
      return;
    }
    cancelAnimationFrame(frame.current);
    batch(() => {
      range.value = zoomed(range.value, factor, place, whole);
      zoom.value = covering(tree.value, range.value);
    });
  };
  const pan = (share: number) => {
    if (mode.value === 'treemap') return;
    cancelAnimationFrame(frame.current);
    batch(() => {
      range.value = panned(range.value, share, whole);
      zoom.value = covering(tree.value, range.value);
    });
  };
  const focusOn = (node: number) => {
    focus.value = node;
    const part = rangeOf(tree.value, node);
    const { from, to } = range.value;
    const span = Math.min(part.to, to) - Math.max(part.from, from);
    if (span < (to - from) * LEAST_SHARE) {
      // What is around it, as near as it takes.
      let around = tree.value.above[node];
      if (tree.value.retained[node] < tree.value.retained[around] * LEAST_SHARE) around = node;
      show(rangeOf(tree.value, around));
    } else if (mode.value === 'treemap' && !wayTo(tree.value, node).includes(zoom.value)) {
      zoom.value = tree.value.above[node];
    }
  };
  const pick = (hit: Hit, touch: boolean) => {
    tip.value = undefined;
    const already = focus.value === hit.node;
    if (hit.flag & REST) {
      focus.value = hit.node;
      show(mode.value === 'treemap' ? rangeOf(tree.value, tree.value.above[hit.node]) : rangeOfRest(tree.value, hit.node));
    } else if (touch && !already) {
      focus.value = hit.node; // a finger has no hover: the first touch says what it is
    } else {
      zoomTo(hit.node);
    }
  };
  const turn = (types: boolean) => {
    batch(() => {
      byType.value = types;
      focus.value = zoom.value = 0;
      range.value = { from: 0, to: whole };
    });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const upsideDown = mode.value === 'flame';
    const go = (direction: Parameters<typeof neighbour>[2]) => () => focusOn(neighbour(tree.value, focus.value, direction));
    const place = () => {
      const { from, to } = range.value;
      const middle = startOf(tree.value, focus.value) + tree.value.retained[focus.value] / 2;
      return Math.max(0, Math.min(1, (middle - from) / (to - from)));
    };
    const keys: Record<string, () => void> = {
      ArrowLeft: event.shiftKey ? () => pan(-0.25) : go('previous'),
      ArrowRight: event.shiftKey ? () => pan(0.25) : go('next'),
      ArrowDown: go(upsideDown ? 'up' : 'down'),
      ArrowUp: go(upsideDown ? 'down' : 'up'),
      Enter: () => zoomTo(focus.value),
      ' ': () => zoomTo(focus.value),
      Backspace: () => zoomTo(tree.value.above[zoom.value]),
      Escape: () => zoomTo(tree.value.above[zoom.value]),
      Home: reset,
      '0': reset,
      '+': () => scaleBy(0.5, place()),
      '=': () => scaleBy(0.5, place()),
      '-': () => scaleBy(2, place()),
      '/': () => searchBox.current?.focus(),
      n: () => jump(false),
      N: () => jump(true),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  const jump = (backward: boolean) => {
    const next = matches.value && nextMatch(tree.value, matches.value, focus.value, backward);
    if (next !== undefined) focusOn(next);
  };

  if (given.length <= 1 || whole === 0) return <p class="calm">No live objects, so nothing is held.</p>;
  const found = matches.value;
  return (
    <div class="tree">
      <div class="toolbar">
        <div class="segments" role="group" aria-label="Picture">
          {MODES.map(([id, title]) => (
            <button key={id} type="button" aria-pressed={mode.value === id} onClick={() => (mode.value = id)}>
              {title}
            </button>
          ))}
        </div>
        <div class="segments" role="group" aria-label="From">
          <button type="button" aria-pressed={!byType.value} onClick={() => turn(false)} title="Variables and goroutines, and below each what it holds">
            Holders first
          </button>
          <button type="button" aria-pressed={byType.value} onClick={() => turn(true)} title="Types, and below each what holds its objects">
            Types first
          </button>
        </div>
        <input
          ref={searchBox}
          type="search"
          placeholder="Find a name"
          aria-label="Find names in the tree; Enter goes to the next"
          value={words.value}
          onInput={(event) => (words.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') jump(event.shiftKey);
          }}
        />
        <span class="shown" role="status">
          {found && (found.nodes === 0 ? 'nothing found' : `${plural(found.nodes, 'node', 'nodes')}, ${bytes(found.bytes)} (${percent(found.bytes, whole)})`)}
        </span>
        <div class="segments zoom" role="group" aria-label="Zoom">
          <button type="button" aria-label="Zoom in" onClick={() => scaleBy(0.5, 0.5)}>+</button>
          <button type="button" aria-label="Zoom out" onClick={() => scaleBy(2, 0.5)}>−</button>
          <button type="button" onClick={reset} disabled={zoom.value === 0 && range.value.to - range.value.from >= whole}>Reset</button>
        </div>
      </div>
      <nav class="crumbs" aria-label="Way to what is shown">
        {wayTo(tree.value, zoom.value).map((node, i, way) => (
          <button key={node} type="button" class="code" aria-current={i === way.length - 1 ? 'true' : undefined} onClick={() => zoomTo(node)}>
            {titleOf(tree.value, node)}
          </button>
        ))}
      </nav>
      <div
        class={`picture ${mode.value}`}
        tabIndex={0}
        role="application"
        aria-roledescription="tree picture"
        aria-label={`Who holds what, ${MODES.find(([id]) => id === mode.value)![1]}. Arrow keys move, Enter zooms in, Escape zooms out, Home shows all, slash searches.`}
        aria-describedby="tree-focus"
        onKeyDown={onKeyDown}
      >
        <TreeCanvas
          tree={tree}
          mode={mode}
          range={range}
          root={zoom}
          focus={focus}
          matches={matches}
          onHover={(hit, x, y) => (tip.value = hit && { hit, x, y })}
          onPick={pick}
          onZoom={scaleBy}
          onPan={pan}
        />
      </div>
      <div class="focus-line">
        <p id="tree-focus" role="status" aria-live="polite">{describe(tree.value, focus.value)}</p>
        {focus.value !== zoom.value && (
          <button type="button" onClick={() => zoomTo(focus.value)}>Zoom to it</button>
        )}
      </div>
      <p class="legend">
        {LEGEND.map(([category, text]) => (
          <span key={category}>
            <i class={`node ${category}`} aria-hidden="true" />
            {text}
          </span>
        ))}
        <span class="dim keys">arrows move · Enter zooms · Esc back · + − zoom · drag pans · / finds</span>
      </p>
      {tip.value && <Tip tree={tree.value} {...tip.value} />}
    </div>
  );
}

function Tip({ tree, hit, x, y }: { tree: Tree; hit: Hit; x: number; y: number }) {
  const right = x > window.innerWidth - 380;
  const style = right ? { right: `${window.innerWidth - x + 12}px`, top: `${y + 14}px` } : { left: `${x + 12}px`, top: `${y + 14}px` };
  if (hit.flag & REST) {
    const { from, to } = rangeOfRest(tree, hit.node);
    return (
      <div class="tip" style={style}>
        <strong>{count(siblingsFrom(tree, hit.node))} smaller nodes</strong>
        <span>{bytes(to - from)} in all, {percent(to - from, tree.retained[0])} of live</span>
      </div>
    );
  }
  return (
    <div class={`tip ${categoryOf(tree, hit.node)}`} style={style}>
      <strong class="code">{titleOf(tree, hit.node)}</strong>
      {factsOf(tree, hit.node).map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
    </div>
  );
}

function siblingsFrom(tree: Tree, node: number): number {
  let number = 0;
  for (let at = node; at < tree.end[tree.above[node]]; at = tree.end[at]) number++;
  return number;
}
