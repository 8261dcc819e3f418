// What a layout makes and the painter draws: rectangles in columns.

/** The box stands for the node and all its siblings after it, which are too small to be seen. */
export const REST = 1;
/** The box is the node's own objects, beside those below it. */
export const OWN = 2;
/** The node has boxes inside; its name has a line of its own at the top. */
export const FRAME = 4;

export class Boxes {
  readonly node: number[] = [];
  readonly x: number[] = [];
  readonly y: number[] = [];
  readonly w: number[] = [];
  readonly h: number[] = [];
  readonly flag: number[] = [];

  get length(): number {
    return this.node.length;
  }

  push(node: number, x: number, y: number, w: number, h: number, flag: number): void {
    this.node.push(node);
    this.x.push(x);
    this.y.push(y);
    this.w.push(w);
    this.h.push(h);
    this.flag.push(flag);
  }

  /** The last box that has the point: a box inside another comes after it. */
  at(x: number, y: number): number | undefined {
    for (let i = this.length - 1; i >= 0; i--) {
      if (x >= this.x[i] && x < this.x[i] + this.w[i] && y >= this.y[i] && y < this.y[i] + this.h[i]) return i;
    }
    return undefined;
  }

  /** The box of a node itself, not one of its siblings or its own objects. */
  of(node: number): number | undefined {
    const index = this.node.findIndex((n, i) => n === node && (this.flag[i] & (REST | OWN)) === 0);
    return index < 0 ? undefined : index;
  }
}
