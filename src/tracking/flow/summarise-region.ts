import type { Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel } from './kernel/kernel.ts';
import { putMask } from './kernel/structs.ts';
import type { RegionSummary } from './types.ts';

const nothing: RegionSummary = { mean: 0, aboveRatio: 0, weight: 0 };

/**
 * Sums up a map of the flow grid over one mask of the current frame.
 *
 * @param threshold the value above which a pixel counts into `aboveRatio`
 */
export function summariseRegion(
  map: Float32Array,
  grid: Size,
  mask: SoftMask,
  threshold: number,
): RegionSummary {
  if (mask.window === null) return nothing;
  const { window, size } = mask;
  const across = placesOf(grid.width, size.width, window.x, window.width);
  const down = placesOf(grid.height, size.height, window.y, window.height);
  if (across.at.length === 0 || down.at.length === 0) return nothing;
  const kernel = threadKernel();
  const first = down.first * grid.width;
  const rows = map.subarray(first, first + down.at.length * grid.width);
  const start = kernel.put(rows) + across.first * Float32Array.BYTES_PER_ELEMENT;
  const sums = kernel.call.region(
    putMask(kernel, mask),
    start,
    grid.width,
    kernel.put(across.at),
    across.at.length,
    kernel.put(down.at),
    down.at.length,
    threshold,
  );
  const [weight = 0, sum = 0, above = 0] = kernel.floats(sums, 3);
  return weight === 0 ? nothing : { mean: sum / weight, aboveRatio: above / weight, weight };
}

/** The grid pixels whose middle lies in a window along one axis: the first, and where each reads. */
function placesOf(grid: number, size: number, start: number, length: number) {
  const scale = size / grid;
  const first = Math.max(0, Math.ceil(start / scale - 0.5));
  const end = Math.min(grid, Math.ceil((start + length) / scale - 0.5));
  const at = new Int32Array(Math.max(0, end - first));
  for (let i = 0; i < at.length; i++) at[i] = Math.floor((first + i + 0.5) * scale) - start;
  return { first, at };
}
