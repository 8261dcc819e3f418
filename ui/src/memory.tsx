// Where memory went: one bar of all parts, and a line for each.

import type { Heap, MemoryUse, SizeClass } from './data.ts';
import { bytes, count, percent } from './format.ts';
import { counted, differs, memoryParts, wastedClasses } from './memory-parts.ts';

export function Memory({ memory, heap }: { memory: MemoryUse; heap: Heap }) {
  const { parts, whole } = memoryParts(memory);
  const classes = wastedClasses(memory, whole);
  return (
    <>
      <div class="stack" aria-hidden="true">
        {parts.map((part) => part.bytes > 0 && <span key={part.id} class={`part ${part.id}`} style={{ flexGrow: part.bytes }} />)}
      </div>
      <table class="data plain parts">
        <caption class="unseen">Parts of memory</caption>
        <thead>
          <tr>
            <th scope="col">part</th>
            <th scope="col" class="number">{counted(memory)}</th>
            <th scope="col" class="number">share</th>
            <th scope="col" class="what">what it is</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.id}>
              <th scope="row">
                <span class={`swatch part ${part.id}`} aria-hidden="true" />
                {part.name}
              </th>
              <td class="number">{bytes(part.bytes)}</td>
              <td class="number">{percent(part.bytes, whole)}</td>
              <td class="what">{part.what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">
        {count(heap.live_objects)} of {count(heap.objects)} objects live · {count(heap.roots)} roots
        {differs(memory, heap) &&
          ` · live objects: ${bytes(memory.heap_live_bytes)} ${counted(memory)}, ${bytes(heap.live_bytes)} in all; holders, maps and types count all`}
      </p>
      {classes.length > 0 && <SizeClasses classes={classes} />}
    </>
  );
}

function SizeClasses({ classes }: { classes: SizeClass[] }) {
  return (
    <details class="fold">
      <summary>Fragmentation by size class</summary>
      <table class="data plain">
        <caption class="unseen">Size classes, by wasted bytes</caption>
        <thead>
          <tr>
            <th scope="col">objects of</th>
            <th scope="col" class="number">spans</th>
            <th scope="col" class="number">live</th>
            <th scope="col" class="number">garbage</th>
            <th scope="col" class="number">wasted</th>
            <th scope="col" class="number">of span</th>
          </tr>
        </thead>
        <tbody>
          {classes.map((c) => (
            <tr key={c.slot_bytes ?? 0}>
              <th scope="row">{c.slot_bytes === undefined ? 'large' : bytes(c.slot_bytes)}</th>
              <td class="number">{count(c.spans)}</td>
              <td class="number">{bytes(c.live_bytes)}</td>
              <td class="number">{bytes(c.garbage_bytes)}</td>
              <td class="number">{bytes(c.fragmentation_bytes)}</td>
              <td class="number">{percent(c.fragmentation_bytes, c.live_bytes + c.garbage_bytes + c.fragmentation_bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
