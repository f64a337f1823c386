import type { SoftMask } from '../../frame/soft-mask.ts';
import { softMaskArea } from './model-mask.ts';

/** Intersection over union of two soft masks of one picture at probability 1/2; 1 if both are empty. */
export function softMaskIou(a: SoftMask, b: SoftMask): number {
  const areaA = softMaskArea(a);
  const areaB = softMaskArea(b);
  if (areaA === 0 && areaB === 0) return 1;
  const shared = intersection(a, b);
  return shared / (areaA + areaB - shared);
}

function intersection(a: SoftMask, b: SoftMask): number {
  if (a.window === null || b.window === null) return 0;
  const x0 = Math.max(a.window.x, b.window.x);
  const y0 = Math.max(a.window.y, b.window.y);
  const x1 = Math.min(a.window.x + a.window.width, b.window.x + b.window.width);
  const y1 = Math.min(a.window.y + a.window.height, b.window.y + b.window.height);
  let shared = 0;
  for (let y = y0; y < y1; y++) {
    const rowA = (y - a.window.y) * a.window.width - a.window.x;
    const rowB = (y - b.window.y) * b.window.width - b.window.x;
    for (let x = x0; x < x1; x++) {
      if ((a.values[rowA + x] ?? 0) >= 0.5 && (b.values[rowB + x] ?? 0) >= 0.5) shared++;
    }
  }
  return shared;
}
