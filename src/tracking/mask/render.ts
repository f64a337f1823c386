import type { Size } from '../../frame/geometry.ts';
import { emptyMask, type Mask } from '../../frame/mask.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel, type Kernel } from '../kernel/kernel.ts';
import { putMask } from '../kernel/structs.ts';

/**
 * Thresholds a mask at one half after bilinear interpolation to `target` size. Interpolating first
 * and thresholding last keeps the outline smooth at display size. Along a row the crossings are
 * solved for instead of testing every pixel: the cost follows the analysis size, not the display
 * size. At the picture's own border the object goes on beyond it; at an inner rim of the window it
 * ends.
 */
export function renderMask(mask: SoftMask, target: Size): Mask {
  const kernel = threadKernel();
  return renderOne(kernel, { masks: putMask(kernel, mask), count: 1, index: 0 }, target);
}

/** Renders one of several masks in the kernel's memory, which yields to the others. */
export function renderOne(
  kernel: Kernel,
  {
    masks,
    count,
    index,
  }: { readonly masks: number; readonly count: number; readonly index: number },
  target: Size,
): Mask {
  const rendered = kernel.call.render(masks, count, index, target.width, target.height);
  const [x = 0, y = 0, width = 0, height = 0, area = 0, bits = 0] = kernel.ints(rendered, 6);
  if (area === 0) return emptyMask(target);
  const box = { x, y, width, height };
  return { size: target, box, bits: kernel.bytes(bits, width * height).slice(), area };
}
