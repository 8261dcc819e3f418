// Following the size of an element.

import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** Calls back with the element when its size changes, and once at the beginning. */
export function useResize<E extends HTMLElement>(ref: RefObject<E | null>, onResize: (element: E) => void): void {
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    // An element that was taken out of the page has no size, but is still followed for a moment.
    const observer = new ResizeObserver(() => {
      if (element.isConnected) onResize(element);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
}
