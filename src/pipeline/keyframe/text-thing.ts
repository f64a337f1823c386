import { boundsOfCells } from '../../frame/connected-parts.ts';
import type { Box } from '../../frame/geometry.ts';
import type { SegmentedAction } from '../../tracking/tracker-types.ts';

/**
 * What the decoder has to make of a phrase's box for it to be a thing: an expected IoU, and a mask
 * that fills such a share of the box. Low, as trees and poles are segmented badly, and rightly found:
 * held-out street pictures, precision 0.71 to 0.80, F1 0.69 to 0.67 (docs/experiments/2026-11-29-text.md).
 */
const minThingIou = 0.05;
const minFilledRatio = 0.1;

/** Whether the mask that a phrase's box led to shows a thing. */
export function isThing(
  { hidden, predictedIou, logits, region }: SegmentedAction,
  box: Box,
): boolean {
  if (hidden || predictedIou < minThingIou) return false;
  const inside = logits.reduce((count, logit) => (logit > 0 ? count + 1 : count), 0);
  const area = (inside / logits.length) * region.width * region.height;
  return area >= minFilledRatio * box.width * box.height;
}

/** Bounds of a mask, in fractions of the picture; null where it is empty. */
export function logitsBox({ logits, region }: SegmentedAction): Box | null {
  const cells = [...logits.keys()].filter((cell) => logits[cell]! > 0);
  if (cells.length === 0) return null;
  const side = Math.sqrt(logits.length);
  const { x, y, width, height } = boundsOfCells(cells, side);
  return {
    x: region.x + (x / side) * region.width,
    y: region.y + (y / side) * region.height,
    width: (width / side) * region.width,
    height: (height / side) * region.height,
  };
}
