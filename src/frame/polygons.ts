import { SegmentationError } from './errors.ts';
import type { Size } from './geometry.ts';
import { type Mask, maskFromBitmap } from './mask.ts';

/** One closed outline: x0, y0, x1, y1, ... on pixel corners. */
export type Outline = readonly number[];

// Directions of travel with y down; +1 is a right turn.
const stepX = [1, 0, -1, 0] as const;
const stepY = [0, 1, 0, -1] as const;
const south = 1;

/**
 * Follows the cracks between inside and outside with the inside on the right, so that outer
 * outlines run clockwise on the screen and holes the other way. Where two pixels touch by a corner
 * only, the outline turns right and keeps them apart (4-connected).
 *
 * @param maxNumbers bound for all coordinates together. Default: none
 * @throws SegmentationError `frame-too-large` above it.
 */
export function encodePolygons(mask: Mask, maxNumbers = Infinity): number[][] {
  if (mask.box === null) return [];
  const { x: left, y: top, width, height } = mask.box;
  const { bits } = mask;
  const inside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x] === 1;
  // Each outline has a downward crack: a pixel inside whose right neighbour is outside.
  const used = new Uint8Array(width * height);
  const outlines: number[][] = [];
  let numbers = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (bits[at] !== 1 || used[at] === 1) continue;
      if (x + 1 < width && bits[at + 1] === 1) continue;
      const outline = follow(x + 1, y);
      outlines.push(outline);
      numbers += outline.length;
      if (numbers > maxNumbers) {
        const message = `outlines must have at most ${maxNumbers} numbers, got more`;
        throw new SegmentationError('frame-too-large', `${message}: ask for another mask_encoding`);
      }
    }
  }
  return outlines;

  function follow(startX: number, startY: number): number[] {
    const corners: number[] = [];
    let x = startX;
    let y = startY;
    let direction = south;
    do {
      if (direction === south) used[y * width + x - 1] = 1;
      x += stepX[direction & 3] ?? 0;
      y += stepY[direction & 3] ?? 0;
      const turn = turnAt(x, y, direction);
      if (turn !== 0) corners.push(left + x, top + y);
      direction = (direction + turn + 4) & 3;
    } while (x !== startX || y !== startY || direction !== south);
    return corners;
  }

  /** 1 = right, 0 = straight on, -1 = left, by the two pixels ahead. */
  function turnAt(x: number, y: number, direction: number): number {
    const dx = stepX[direction] ?? 0;
    const dy = stepY[direction] ?? 0;
    const aheadX = x + (dx - 1) / 2;
    const aheadY = y + (dy - 1) / 2;
    // The right hand of (dx, dy) is (-dy, dx).
    if (!inside(aheadX - dy / 2, aheadY + dx / 2)) return 1;
    return inside(aheadX + dy / 2, aheadY - dx / 2) ? -1 : 0;
  }
}

/**
 * Fills outlines: a pixel is inside where they wind around its centre. Outlines may leave the
 * picture; what lies outside is cut off.
 *
 * @throws SegmentationError `invalid-prompt` for an odd number of coordinates, fewer than three
 *   corners, or outlines that cross the rows more often than any mask of this size does.
 */
export function decodePolygons(outlines: readonly Outline[], size: Size): Mask {
  const { width, height } = size;
  // One column more: an edge right of the picture changes nothing inside it.
  const winding = new Int32Array((width + 1) * height);
  let budget = 4 * width * height + 1024;
  for (const outline of outlines) {
    if (outline.length < 6 || outline.length % 2 !== 0) {
      throw invalid(
        `polygon must have 3 or more corners of x and y, got ${outline.length} numbers`,
      );
    }
    for (let index = 0; index < outline.length; index += 2) {
      const next = (index + 2) % outline.length;
      const x0 = outline[index] ?? 0;
      const y0 = outline[index + 1] ?? 0;
      const x1 = outline[next] ?? 0;
      const y1 = outline[next + 1] ?? 0;
      const first = Math.max(0, Math.min(y0, y1));
      const last = Math.min(height, Math.max(y0, y1));
      budget -= 1 + Math.max(0, last - first);
      if (budget < 0) throw invalid('polygons must be simpler than one outline a pixel');
      for (let y = first; y < last; y++) {
        const crossing = x0 + ((y + 0.5 - y0) * (x1 - x0)) / (y1 - y0);
        const column = Math.min(width, Math.max(0, Math.ceil(crossing - 0.5)));
        winding[y * (width + 1) + column]! += y1 > y0 ? 1 : -1;
      }
    }
  }
  return maskFromBitmap(fill(winding, size), size);
}

function fill(winding: Int32Array, { width, height }: Size): Uint8Array {
  const bitmap = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    let around = 0;
    for (let x = 0; x < width; x++) {
      around += winding[y * (width + 1) + x] ?? 0;
      if (around !== 0) bitmap[y * width + x] = 1;
    }
  }
  return bitmap;
}

function invalid(message: string): SegmentationError {
  return new SegmentationError('invalid-prompt', message);
}
