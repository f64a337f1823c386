import type { Box } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel, type Kernel } from '../kernel/kernel.ts';
import { putMask } from '../kernel/structs.ts';

/** What is asked of every soft mask, often several times. */
export type MaskMeasures = {
  /** Pixels with a probability of at least one half. */
  readonly area: number;
  /** Tight bounds of those pixels, in the mask's picture; null where there are none. */
  readonly bounds: Box | null;
  /** Share of the mask's weight between one tenth and nine tenths; 0 where there is no weight. */
  readonly uncertaintyRatio: number;
};

const nothing: MaskMeasures = { area: 0, bounds: null, uncertaintyRatio: 0 };

/** Soft masks do not change, so each is measured once. */
const known = new WeakMap<SoftMask, MaskMeasures>();

/** Area, bounds and uncertainty of a soft mask. */
export function measuresOf(mask: SoftMask): MaskMeasures {
  if (mask.window === null) return nothing;
  const held = known.get(mask);
  if (held) return held;
  const kernel = threadKernel();
  return measure(kernel, putMask(kernel, mask), mask);
}

/**
 * Copies a C struct `Mask` out of the kernel's memory, and measures it there.
 *
 * @param size of the mask's picture
 */
export function readMask(kernel: Kernel, address: number, size: SoftMask['size']): SoftMask {
  const [values = 0, x = 0, y = 0, width = 0, height = 0] = kernel.ints(address, 5);
  if (width === 0 || height === 0) return { size, window: null, values: new Float32Array(0) };
  const window = { x, y, width, height };
  const mask = { size, window, values: kernel.floats(values, width * height).slice() };
  measure(kernel, address, mask);
  return mask;
}

function measure(kernel: Kernel, address: number, mask: SoftMask): MaskMeasures {
  const measured = kernel.call.measure(address);
  const [x = 0, y = 0, width = 0, height = 0, area = 0] = kernel.ints(measured, 5);
  const [weight = 0, uncertainWeight = 0] = kernel.floats(measured + 20, 2);
  const window = mask.window!;
  const measures = {
    area,
    bounds: area === 0 ? null : { x: window.x + x, y: window.y + y, width, height },
    uncertaintyRatio: weight === 0 ? 0 : uncertainWeight / weight,
  };
  known.set(mask, measures);
  return measures;
}
