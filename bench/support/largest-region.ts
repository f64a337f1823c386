import { connectedParts } from '../../src/frame/connected-parts.ts';
import type { Size } from '../../src/frame/geometry.ts';

/** The largest 4-connected region of a bitmap as a bitmap of its own; null for an empty one. */
export function largestRegion(bitmap: Uint8Array, size: Size): Uint8Array | null {
  const [first, ...others] = connectedParts(bitmap, size, 4);
  if (first === undefined) return null;
  const largest = others.reduce((a, b) => (b.length > a.length ? b : a), first);
  const region = new Uint8Array(bitmap.length);
  for (const cell of largest) region[cell] = 1;
  return region;
}
