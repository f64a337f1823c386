import { intersectBoxes, type Box } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { measuresOf } from './measures.ts';

/** Masks touch where so many pixels or fewer lie between their outlines. */
const reachPixels = 2;

/** Whether two masks of one picture come near each other at all, by their bounds. */
export function mayTouch(mask: SoftMask, other: SoftMask): boolean {
  const a = measuresOf(mask).bounds;
  const b = measuresOf(other).bounds;
  return a !== null && b !== null && intersectBoxes(grown(a), b) !== null;
}

/** Share of a mask's outline, see {@link outlineOf}, at which another mask begins within two pixels. */
export function touchRatio(outline: Int32Array, other: SoftMask): number {
  const { bounds } = measuresOf(other);
  const { window, values, size } = other;
  if (bounds === null || window === null || outline.length === 0) return 0;
  const near = grown(bounds);
  let touching = 0;
  for (const at of outline) {
    const x = at % size.width;
    const y = (at - x) / size.width;
    const isNear =
      x >= near.x && y >= near.y && x < near.x + near.width && y < near.y + near.height;
    if (isNear && isClaimedNear({ window, values }, x, y)) touching++;
  }
  return touching / outline.length;
}

/**
 * Pixels of a mask, by their number in the picture, beside which it ends. Where the picture ends the
 * mask may go on, so its border is no outline.
 */
export function outlineOf({ window, values, size }: SoftMask): Int32Array {
  if (window === null) return new Int32Array(0);
  const { x: left, y: top, width, height } = window;
  const found: number[] = [];
  for (let row = 0, at = 0; row < height; row++) {
    const isTop = top + row === 0;
    const isBottom = top + row === size.height - 1;
    for (let column = 0; column < width; column++, at++) {
      if (values[at]! < 0.5) continue;
      const x = left + column;
      const endsLeft = x > 0 && (column === 0 || values[at - 1]! < 0.5);
      const endsRight = x < size.width - 1 && (column === width - 1 || values[at + 1]! < 0.5);
      const endsAbove = !isTop && (row === 0 || values[at - width]! < 0.5);
      const endsBelow = !isBottom && (row === height - 1 || values[at + width]! < 0.5);
      if (endsLeft || endsRight || endsAbove || endsBelow) {
        found.push((top + row) * size.width + x);
      }
    }
  }
  return Int32Array.from(found);
}

function grown({ x, y, width, height }: Box): Box {
  const by = reachPixels;
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

function isClaimedNear(
  { window, values }: { readonly window: Box; readonly values: Float32Array },
  x: number,
  y: number,
): boolean {
  const left = Math.max(0, x - reachPixels - window.x);
  const right = Math.min(window.width - 1, x + reachPixels - window.x);
  const top = Math.max(0, y - reachPixels - window.y);
  const bottom = Math.min(window.height - 1, y + reachPixels - window.y);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      if (values[row * window.width + column]! >= 0.5) return true;
    }
  }
  return false;
}
