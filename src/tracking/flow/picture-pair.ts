import { freeMemory } from '../../frame/free-memory.ts';
import { sameSize, type Size } from '../../frame/geometry.ts';
import { createFlowImage, flowGrid, prepareFlowImage } from './image.ts';
import type { FlowImage } from './types.ts';

/** The pictures that flow is computed between, each in the memory of the one before the last. */
export class PicturePair {
  readonly #longSide: number;
  #previous: FlowImage | null = null;
  #current: FlowImage | null = null;

  /** @param longSide of the flow grid; see `flowGrid` */
  constructor(longSide: number) {
    this.#longSide = longSide;
  }

  /** Null where nothing can be compared with the current picture. */
  get previous(): FlowImage | null {
    return this.#previous;
  }

  /** Null before the first picture. */
  get current(): FlowImage | null {
    return this.#current;
  }

  /** Makes a frame the current picture and the one before it, if comparable, the previous. */
  prepare(
    { analysis, data }: { readonly analysis: Size; readonly data: Uint8Array },
    comparable: boolean,
  ): void {
    const grid = flowGrid(analysis, this.#longSide);
    const spare = this.#previous;
    const next = spare !== null && sameSize(spare.grid, grid) ? spare : createFlowImage(grid);
    this.#hold(comparable ? this.#current : null, next);
    prepareFlowImage(data.subarray(0, analysis.width * analysis.height), analysis, next);
  }

  /** Frees the memory; idempotent. */
  close(): void {
    this.#hold(null, null);
  }

  #hold(previous: FlowImage | null, current: FlowImage | null): void {
    const before = [this.#previous, this.#current];
    this.#previous = previous;
    this.#current = current;
    for (const image of before) {
      if (image !== null && image !== previous && image !== current) freeMemory(image.pixels);
    }
  }
}
