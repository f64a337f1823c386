import type { Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { putMask } from '../kernel/structs.ts';
import type { RegionSummary } from '../flow/types.ts';

const nothing: RegionSummary = { mean: 0, aboveRatio: 0, weight: 0 };

/**
 * Sums up maps of the flow grid over one mask of the current frame.
 *
 * @param threshold the value above which a pixel counts into `aboveRatio`. Default: infinite.
 * @returns one summary for each map
 */
export function summariseRegion(
  maps: readonly Float32Array[],
  grid: Size,
  mask: SoftMask,
  threshold = Number.POSITIVE_INFINITY,
): RegionSummary[] {
  const { window, size } = mask;
  if (window === null) return maps.map(() => nothing);
  const across = placesOf(grid.width, size.width, window.x, window.width);
  const down = placesOf(grid.height, size.height, window.y, window.height);
  if (across.at.length === 0 || down.at.length === 0) return maps.map(() => nothing);
  const kernel = threadKernel();
  const columns = [kernel.put(across.at), across.at.length] as const;
  const rows = [kernel.put(down.at), down.at.length] as const;
  const where = putMask(kernel, mask);
  const first = down.first * grid.width;
  const end = first + down.at.length * grid.width;
  return maps.map((map) => {
    const skipped = across.first * Float32Array.BYTES_PER_ELEMENT;
    const start = kernel.put(map.subarray(first, end)) + skipped;
    const sums = kernel.call.region(where, start, grid.width, ...columns, ...rows, threshold);
    const [weight = 0, sum = 0, above = 0] = kernel.floats(sums, 3);
    return weight === 0 ? nothing : { mean: sum / weight, aboveRatio: above / weight, weight };
  });
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
