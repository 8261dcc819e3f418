// A table of any length: only the rows on screen are in the document.

import { useComputed, useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

import { printing } from '../page.ts';
import { useResize } from '../resize.ts';
import { type Key, type SortOrder, sortRows } from './rows.ts';
import { fittingColumns, rowTop, visibleRows } from './window.ts';

export interface Column<R> {
  id: string;
  title: string;
  /** What the figures count, for those who ask. */
  hint?: string;
  /** Pixels it needs; the first column gets what is left. */
  width: number;
  /** Columns with a higher rank leave first where there is not room for all. */
  rank: number;
  number?: boolean;
  /** It takes a share of the room that is left, as the first column does. */
  wide?: boolean;
  key: (row: R) => Key;
  cell: (row: R, shown: (column: string) => boolean) => ComponentChildren;
}

export interface TableProps<R> {
  /** What the table lists, for screen readers. */
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  /** Numbers of the rows to show; all when absent. */
  kept: ReadonlySignal<Uint32Array>;
  sort: SortOrder;
  /** What is shown below an open row. */
  detail?: (row: R) => ComponentChildren;
  empty: string;
  /** Where there is not room for all columns, the first has a second line. */
  twoLines?: boolean;
  /** Rows that are shown without scrolling, at most. */
  atOnce?: number;
}

const ROW = 30;
/** Where the second column has no room, its text is below the first's. */
const TALL_ROW = 46;
const NARROW = 700;
/** On paper nothing scrolls, and the sheet is so wide between its margins, whatever the window is. */
const PRINTED_ROWS = 40;
const PAPER = 690;

let tables = 0;

export function Table<R>(props: TableProps<R>) {
  const { columns, rows, detail } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const id = useRef(0);
  id.current ||= ++tables;
  const sort = useSignal(props.sort);
  const size = useSignal({ width: 1200, height: 600 });
  const top = useSignal(0);
  /** Position, in the present order, of the row that keys act on. */
  const active = useSignal(-1);
  /** Number of the open row, and how high its details are. */
  const open = useSignal<number | undefined>(undefined);
  const openHeight = useSignal(0);

  const order = useComputed(() => {
    const column = columns.find((c) => c.id === sort.value.column) ?? columns[0];
    return sortRows(props.kept.value, (row) => column.key(rows[row]), sort.value.descending);
  });
  const width = useComputed(() => (printing.value ? PAPER : size.value.width));
  const shown = useComputed(() => {
    const fits = fittingColumns(columns, width.value);
    return columns.filter((_, i) => fits[i]);
  });
  const rowHeight = useComputed(() => (props.twoLines && width.value < NARROW ? TALL_ROW : ROW));
  const opened = useComputed(() => {
    const row = open.value === undefined ? -1 : order.value.indexOf(open.value);
    return row < 0 ? undefined : { row, height: openHeight.value };
  });
  const view = useComputed(() =>
    printing.value
      ? { first: 0, last: Math.min(order.value.length, PRINTED_ROWS), before: 0, after: 0 }
      : visibleRows({
          rows: order.value.length,
          rowHeight: rowHeight.value,
          top: top.value,
          height: size.value.height,
          open: opened.value,
        }),
  );

  useResize(scroller, (element) => {
    if (!printing.peek()) size.value = { width: element.clientWidth, height: element.clientHeight };
  });
  // Another order or filter begins at the top.
  useSignalEffect(() => {
    void order.value;
    active.value = -1;
    if (scroller.current) scroller.current.scrollTop = 0;
  });

  const toggle = (position: number) => {
    const row = order.value[position];
    if (row === undefined || !detail) return;
    openHeight.value = 0;
    open.value = open.value === row ? undefined : row;
    active.value = position;
  };
  const move = (to: number) => {
    const element = scroller.current!;
    const position = Math.max(0, Math.min(order.value.length - 1, to));
    active.value = position;
    const head = element.querySelector('thead')!.clientHeight;
    const y = rowTop(position, rowHeight.value, opened.value);
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + rowHeight.value > element.scrollTop + element.clientHeight - head) {
      element.scrollTop = y + rowHeight.value - element.clientHeight + head;
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroller.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(size.value.height / rowHeight.value) - 2);
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(active.value + 1),
      ArrowUp: () => move(active.value - 1),
      PageDown: () => move(active.value + page),
      PageUp: () => move(active.value - page),
      Home: () => move(0),
      End: () => move(order.value.length - 1),
      Enter: () => toggle(active.value),
      ' ': () => toggle(active.value),
      Escape: () => (open.value = undefined),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };

  const name = (position: number) => `table-${id.current}-row-${position}`;
  const has = (column: string) => shown.value.some((c) => c.id === column);
  const { first, last, before, after } = view.value;
  const positions = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  const left = order.value.length - last;
  return (
    <>
      <div
        class="table-scroll"
        ref={scroller}
        style={props.atOnce === undefined ? {} : { maxHeight: `${(props.atOnce + 1.5) * rowHeight.value}px` }}
        tabIndex={0}
        role="group"
        aria-label={`${props.label}; arrow keys move${detail ? ', Enter opens' : ''}`}
        aria-activedescendant={active.value >= first && active.value < last ? name(active.value) : undefined}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <table class="data" aria-label={props.label} aria-rowcount={order.value.length + 1}>
          <colgroup>
            {shown.value.map((column, i) => (
              <col key={column.id} style={i === 0 || column.wide ? {} : { width: `${column.width}px` }} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {shown.value.map((column) => (
                <Heading key={column.id} column={column} sort={sort.value} onSort={(next) => (sort.value = next)} />
              ))}
            </tr>
          </thead>
          <tbody>
            {before > 0 && <tr class="gap" style={{ height: `${before}px` }} aria-hidden="true" />}
            {positions.map((position) => {
              const number = order.value[position];
              const row = rows[number];
              const isOpen = open.value === number;
              return [
                <tr
                  key={number}
                  id={name(position)}
                  class={`row${position === active.value ? ' active' : ''}${detail ? ' opens' : ''}`}
                  style={{ height: `${rowHeight.value}px` }}
                  aria-rowindex={position + 2}
                  aria-expanded={detail ? isOpen : undefined}
                  onClick={() => String(getSelection()) === '' && toggle(position)}
                >
                  {shown.value.map((column, i) =>
                    i === 0 ? (
                      <th key={column.id} scope="row">{column.cell(row, has)}</th>
                    ) : (
                      <td key={column.id} class={column.number ? 'number' : undefined}>{column.cell(row, has)}</td>
                    ),
                  )}
                </tr>,
                isOpen && detail && (
                  <Detail key={`${number}-detail`} columns={shown.value.length} height={(h) => (openHeight.value = h)}>
                    {detail(row)}
                  </Detail>
                ),
              ];
            })}
            {after > 0 && <tr class="gap" style={{ height: `${after}px` }} aria-hidden="true" />}
          </tbody>
        </table>
        {order.value.length === 0 && <p class="empty">{props.empty}</p>}
      </div>
      {printing.value && left > 0 && <p class="note">… and {left.toLocaleString('en-US')} more, in the file.</p>}
    </>
  );
}

interface HeadingProps<R> {
  column: Column<R>;
  sort: SortOrder;
  onSort: (order: SortOrder) => void;
}

function Heading<R>({ column, sort, onSort }: HeadingProps<R>) {
  if (column.title === '') return <td />;
  const sorted = sort.column === column.id;
  // Figures are looked at from the largest, names from A.
  const descending = sorted ? !sort.descending : column.number === true;
  return (
    <th
      scope="col"
      class={column.number ? 'number' : undefined}
      aria-sort={sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" title={column.hint} onClick={() => onSort({ column: column.id, descending })}>
        {column.title}
        <span class="arrow" aria-hidden="true">{sorted ? (sort.descending ? '↓' : '↑') : ''}</span>
      </button>
    </th>
  );
}

function Detail(props: { columns: number; height: (pixels: number) => void; children: ComponentChildren }) {
  const row = useRef<HTMLTableRowElement>(null);
  useResize(row, (element) => props.height(element.offsetHeight));
  return (
    <tr class="detail" ref={row}>
      <td colSpan={props.columns}>{props.children}</td>
    </tr>
  );
}
