// What the whole page shares: theme, printing, size.

import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'mapscope-theme';
const media = (query: string) => window.matchMedia(query);

function stored(): Theme {
  try {
    const value = localStorage.getItem(STORED);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system'; // a page in a file may not be allowed to store anything
  }
}

export const theme = signal<Theme>(stored());

/** The page is being laid out for paper: everything that scrolls shows its beginning. */
export const printing = signal(false);

/** Changes whenever colours may have: canvases are drawn anew. */
export const colours = signal(0);

export function isDark(): boolean {
  if (printing.value) return false;
  return theme.value === 'system' ? media('(prefers-color-scheme: dark)').matches : theme.value === 'dark';
}

export function reducedMotion(): boolean {
  return media('(prefers-reduced-motion: reduce)').matches;
}

/** Follows the system and the printer, and keeps what was chosen. */
export function watchPage(): void {
  media('(prefers-color-scheme: dark)').addEventListener('change', () => colours.value++);
  const print = media('print');
  print.addEventListener('change', () => (printing.value = print.matches));
  addEventListener('beforeprint', () => (printing.value = true));
  addEventListener('afterprint', () => (printing.value = print.matches));
  if (print.matches) printing.value = true;
  effect(() => {
    const chosen = theme.value;
    document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
    colours.value = colours.peek() + 1;
    try {
      if (chosen === 'system') localStorage.removeItem(STORED);
      else localStorage.setItem(STORED, chosen);
    } catch {
      // as above
    }
  });
}
