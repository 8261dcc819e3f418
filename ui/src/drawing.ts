// Drawing that follows signals.

import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/**
 * Draws now and whenever a signal that was read has changed, at once: before paper is printed there is no next frame.
 */
export function useDrawing(draw: () => void): void {
  useEffect(() => effect(draw), []);
}
