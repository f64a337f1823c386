import { SegmentationError } from '../frame/errors.ts';
import type { ModelInfo } from '../frame/model.ts';
import type { DecodeRequest, RefineRequest } from '../frame/ports.ts';

/** Throws `too-many-prompts`; `internal` where the pipeline asked for what the model cannot have. */
export function checkDecodeRequest(
  { clicks, memory, prior }: DecodeRequest,
  { maxClicks, memorySlots, maskSide }: ModelInfo,
): void {
  if (clicks.length > maxClicks) {
    throw new SegmentationError(
      'too-many-prompts',
      `expected at most ${maxClicks} clicks on one object, got ${clicks.length}`,
    );
  }
  if (memory.length > memorySlots) {
    throw unexpected(`expected at most ${memorySlots} memories, got ${memory.length}`);
  }
  for (const mask of [prior, ...memory.map((earlier) => earlier.mask)]) {
    if (mask !== null && mask.length !== maskSide * maskSide) {
      throw unexpected(`expected masks of ${maskSide * maskSide} values, got ${mask.length}`);
    }
  }
}

/** Throws `internal` where the crop is not one that the model's refiner takes. */
export function checkRefineRequest(
  { crop, prior, appearance }: RefineRequest,
  { refiner }: ModelInfo,
): void {
  const { cropSide = 0, appearanceLength = 0 } = refiner ?? {};
  const plane = cropSide * cropSide;
  if (crop.length !== 3 * plane || prior.length !== plane) {
    throw unexpected(`expected a crop of ${cropSide} x ${cropSide} pixels and its prior`);
  }
  if (appearance !== null && appearance.length !== appearanceLength) {
    throw unexpected(`expected an appearance of ${appearanceLength}, got ${appearance.length}`);
  }
}

/** A caller's mistake: no client can cause it. */
export function unexpected(message: string): SegmentationError {
  return new SegmentationError('internal', message);
}
