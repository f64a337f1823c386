import { giveBackKernel, takeKernel, type Kernel } from '../kernel/kernel.ts';
import type { FlowEngine, FlowField, FlowImage } from './types.ts';

/** Options of {@link createDisFlow}. */
export type DisFlowOptions = {
  /** Finest pyramid level on which patches are matched: 0 = the grid, 1 = half of it. Default: 0. */
  finestLevel?: number;
  /** Distance between patches of 8 x 8 on the finest level, in pixels, at most 8; 4 on the others. Default: 6. */
  patchStride?: number;
  /** Most Gauss-Newton steps of a patch in one pass. Default: 4. */
  iterations?: number;
  /** Passes over the patches of a level; each lets good flows spread one way. Default: 1. */
  passes?: number;
  /** Added to the diagonal of a patch's Hessian: holds patches without texture. Default: 100. */
  damping?: number;
  /**
   * A flow replaces another where its cost is below this share of the other's. Lower: calmer on
   * repeating patterns and flat areas, later on faint motion. Default: 0.5.
   */
  preferRatio?: number;
};

/**
 * Dense inverse search (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016)
 * without its variational step, which costs masks more than it gains: it blurs the motion of an
 * object into its surroundings. Patches are compared after their mean, flows spread between
 * neighbouring patches, each pixel takes the patches that explain it, and patches prefer to stay
 * still. WebAssembly SIMD; results are the same to the bit on every machine. Pictures with a side
 * under 8 have no flow: zeros.
 */
export function createDisFlow(options: DisFlowOptions = {}): FlowEngine {
  return new DisFlow({
    finestLevel: options.finestLevel ?? 0,
    patchStride: options.patchStride ?? 6,
    iterations: options.iterations ?? 4,
    passes: options.passes ?? 1,
    damping: options.damping ?? 100,
    preferRatio: options.preferRatio ?? 0.5,
  });
}

/** A picture that the kernel holds. */
type Slot = { image: FlowImage | null; revision: number };

class DisFlow implements FlowEngine {
  readonly name = 'dis';
  readonly #options: Required<DisFlowOptions>;
  #kernel: Kernel | null;
  #width = 0;
  #height = 0;
  #slots: [Slot, Slot] = [emptySlot(), emptySlot()];

  constructor(options: Required<DisFlowOptions>) {
    this.#options = options;
    this.#kernel = takeKernel();
  }

  compute(previous: FlowImage, current: FlowImage, out: FlowField, initial?: FlowField): void {
    const kernel = this.#kernel;
    if (kernel === null) throw new Error('flow engine used after close');
    if (Math.min(out.width, out.height) < smallestSide) {
      out.u.fill(0);
      out.v.fill(0);
      return;
    }
    if (this.#width !== out.width || this.#height !== out.height) this.#prepare(kernel, current);
    // The current picture of one call is the previous one of the next: it is loaded once.
    const from = this.#load(kernel, previous, this.#slotOf(current));
    const to = this.#load(kernel, current, from);
    const { call } = kernel;
    const pixels = out.u.length;
    if (initial !== undefined) {
      kernel.floats(call.initialU(), pixels).set(initial.u);
      kernel.floats(call.initialV(), pixels).set(initial.v);
    }
    call.compute(from, to, initial === undefined ? 0 : 1);
    out.u.set(kernel.floats(call.outU(), pixels));
    out.v.set(kernel.floats(call.outV(), pixels));
  }

  close(): void {
    if (this.#kernel !== null) giveBackKernel(this.#kernel);
    this.#kernel = null;
    this.#slots = [emptySlot(), emptySlot()];
  }

  #prepare(kernel: Kernel, image: FlowImage): void {
    const options = this.#options;
    const settings = kernel.call.settings();
    kernel
      .ints(settings, 4)
      .set([options.finestLevel, options.patchStride, options.iterations, options.passes]);
    kernel.floats(settings + 16, 2).set([options.damping, options.preferRatio]);
    kernel.call.prepare(image.grid.width, image.grid.height, image.levels.length);
    this.#width = image.grid.width;
    this.#height = image.grid.height;
    this.#slots = [emptySlot(), emptySlot()];
  }

  /** Index of the slot that holds the picture, or -1. */
  #slotOf(image: FlowImage): number {
    return this.#slots.findIndex((s) => s.image === image && s.revision === image.revision);
  }

  /** Makes sure that a slot other than `taken` holds the picture; returns its index. */
  #load(kernel: Kernel, image: FlowImage, taken: number): number {
    const held = this.#slotOf(image);
    if (held >= 0) return held;
    const index = taken === 0 ? 1 : 0;
    kernel.floats(kernel.call.grey(index), image.pixels.length).set(image.pixels);
    kernel.call.load(index);
    this.#slots[index] = { image, revision: image.revision };
    return index;
  }
}

const smallestSide = 8;

function emptySlot(): Slot {
  return { image: null, revision: 0 };
}
