import type { Mask } from '../frame/mask.ts';
import { encodePolygons } from '../frame/polygons.ts';

/** Corners of one closed outline: x0, y0, x1, y1, ... on pixel corners. */
export type BridgedOutline = readonly number[];

/**
 * The whole mask as one outline, for formats that have room for one: its parts and holes hang together
 * by bridges without width, there and back, so that filling it (even-odd or by winding) gives the mask.
 * Empty where the area is 0.
 */
export function bridgedOutline(mask: Mask): BridgedOutline {
  const [first, ...others] = encodePolygons(mask).toSorted((a, b) => b.length - a.length);
  if (first === undefined) return [];
  if (others.length === 0) return first;
  const [x = 0, y = 0] = first;
  // Each part begins and ends on the bridge from the first one's corner.
  const visits = others.flatMap((part) => [...part, part[0] ?? 0, part[1] ?? 0, x, y]);
  return [...first, x, y, ...visits];
}
