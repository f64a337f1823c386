import type { Box, Size } from '../frame/geometry.ts';
import { emptyMask, type Mask } from '../frame/mask.ts';
import type { SoftMask } from '../frame/soft-mask.ts';
import { threadKernel } from './flow/kernel/kernel.ts';
import { putMask } from './flow/kernel/structs.ts';

/**
 * A mask's margin: probability minus what it has to beat, so that its zero crossing is the outline.
 * Row-major over `window` of a picture of `size`.
 */
export type Margin = { readonly size: Size; readonly window: Box; readonly values: Float32Array };

/** The margin of a mask that competes with nobody: probability minus one half. */
export function marginOf(mask: SoftMask): Margin | null {
  if (mask.window === null) return null;
  const kernel = threadKernel();
  const { length } = mask.values;
  const values = kernel.put(mask.values);
  kernel.call.margin(values, length);
  return { size: mask.size, window: mask.window, values: kernel.floats(values, length).slice() };
}

/**
 * Thresholds a margin at 0 after bilinear interpolation to `target` size. Interpolating first and
 * thresholding last keeps the outline smooth at display size. Along a row the crossings are solved
 * for instead of testing every pixel: the cost follows the analysis size, not the display size. At
 * the picture's own border the object goes on beyond it; at an inner rim of the window it ends.
 */
export function renderMask(margin: Margin | null, target: Size): Mask {
  if (margin === null) return emptyMask(target);
  const kernel = threadKernel();
  const rendered = kernel.call.render(putMask(kernel, margin), target.width, target.height);
  const [x = 0, y = 0, width = 0, height = 0, area = 0, bits = 0] = kernel.ints(rendered, 6);
  if (area === 0) return emptyMask(target);
  const box = { x, y, width, height };
  return { size: target, box, bits: kernel.bytes(bits, width * height).slice(), area };
}
