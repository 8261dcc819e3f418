// Where a goroutine stands, in one name.

import type { CodeLine } from './data.ts';

/**
 * The innermost function of the program itself, for what it calls to wait is seen in the state. The packages of the
 * standard library have no dot in the first part of their path. As in the terminal.
 */
export function placeOf(stack: readonly CodeLine[]): string {
  const own = ({ function: name }: CodeLine) => name.startsWith('main.') || /^[^/]*\.[^/]*\//.test(name);
  return (stack.find(own) ?? stack[0])?.function ?? '(no stack)';
}
