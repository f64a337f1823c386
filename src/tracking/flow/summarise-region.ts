import type { Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import type { RegionSummary } from './types.ts';

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
  if (mask.window === null) return { mean: 0, aboveRatio: 0, weight: 0 };
  const { window, size, values } = mask;
  const scaleX = size.width / grid.width;
  const scaleY = size.height / grid.height;
  const x0 = Math.max(0, Math.ceil(window.x / scaleX - 0.5));
  const y0 = Math.max(0, Math.ceil(window.y / scaleY - 0.5));
  const x1 = Math.min(grid.width, Math.ceil((window.x + window.width) / scaleX - 0.5));
  const y1 = Math.min(grid.height, Math.ceil((window.y + window.height) / scaleY - 0.5));
  let weight = 0;
  let sum = 0;
  let above = 0;
  for (let y = y0; y < y1; y++) {
    // The mask is read at the middle of each grid pixel.
    const row = (Math.floor((y + 0.5) * scaleY) - window.y) * window.width - window.x;
    for (let x = x0; x < x1; x++) {
      const probability = values[row + Math.floor((x + 0.5) * scaleX)]!;
      const value = map[y * grid.width + x]!;
      weight += probability;
      sum += probability * value;
      if (value > threshold) above += probability;
    }
  }
  if (weight === 0) return { mean: 0, aboveRatio: 0, weight: 0 };
  return { mean: sum / weight, aboveRatio: above / weight, weight };
}
