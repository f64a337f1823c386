import type { ClickOptions } from '../../clients/typescript/index.ts';
import { distancePeak } from '../../src/evaluation/distance-peak.ts';
import type { Size } from '../../src/frame/geometry.ts';
import { largestRegion } from './largest-region.ts';

/**
 * Where a user would click next: the pixel farthest from the edge of the largest region that is
 * wrong, positive where the object was missed; null where nothing is wrong.
 *
 * @param predicted row-major, non-zero = object
 * @param wanted the same of the true mask
 */
export function simulateClick(
  predicted: Uint8Array,
  wanted: Uint8Array,
  size: Size,
): ClickOptions | null {
  const wrong = wanted.map((value, index) =>
    (value ? 1 : 0) === (predicted[index] ? 1 : 0) ? 0 : 1,
  );
  const region = largestRegion(wrong, size);
  const peak = region === null ? null : distancePeak(region, size);
  if (peak === null) return null;
  const isMissed = wanted[Math.floor(peak.y) * size.width + Math.floor(peak.x)];
  return { ...peak, label: isMissed ? 'positive' : 'negative' };
}
