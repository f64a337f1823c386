import type { Box, Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { putMask } from '../kernel/structs.ts';
import { readMask } from './measures.ts';
import { softMaskBounds } from './model-mask.ts';

/** Side of the refiner's window over the longer side of the mask's box. */
const windowPerBox = 1.6;

/** Smallest window in analysis pixels: under it the crop would show nothing but noise. */
const minWindowPixels = 48;

/** The square around a mask that the refiner sees, in analysis pixels; may leave the picture. */
export type RefineWindow = { readonly x: number; readonly y: number; readonly side: number };

/** The refiner's inputs for one object: pixels and prior of its window at the crop's side. */
export type RefineCrop = {
  readonly window: RefineWindow;
  /** float32[3, side, side], RGB 0..255; the picture's border is repeated outside it. */
  readonly crop: Float32Array;
  /** float32[side, side], probabilities; 0 outside the picture. */
  readonly prior: Float32Array;
};

/** A yuv420p picture at analysis size. */
export type Picture = { readonly analysis: Size; readonly data: Uint8Array };

/** The window around a mask, or null where the mask is empty. */
export function refineWindow(mask: SoftMask): RefineWindow | null {
  const box = softMaskBounds(mask);
  if (box === null) return null;
  const side = Math.max(minWindowPixels, windowPerBox * Math.max(box.width, box.height));
  return {
    x: box.x + box.width / 2 - side / 2,
    y: box.y + box.height / 2 - side / 2,
    side,
  };
}

/** Memory that {@link cutRefineCrop} fills, and the refiner's answer after it. */
export type RefineCropMemory = Pick<RefineCrop, 'crop' | 'prior'> & {
  /** float32[side, side]. */
  readonly answer: Float32Array;
};

/** New memory for a crop of `side` x `side`; shared, so that it crosses threads without a copy. */
export function createCropMemory(side: number): RefineCropMemory {
  const plane = side * side;
  const buffer = new SharedArrayBuffer(5 * plane * Float32Array.BYTES_PER_ELEMENT);
  const all = new Float32Array(buffer);
  return {
    crop: all.subarray(0, 3 * plane),
    prior: all.subarray(3 * plane, 4 * plane),
    answer: all.subarray(4 * plane),
  };
}

/** Cuts the refiner's inputs out of a picture, bilinear, at the side that `memory` was made for. */
export function cutRefineCrop(
  picture: Picture,
  mask: SoftMask,
  window: RefineWindow,
  memory: RefineCropMemory,
): RefineCrop {
  const side = Math.round(Math.sqrt(memory.prior.length));
  const { width, height } = picture.analysis;
  const square = [window.x, window.y, window.side, side] as const;
  const kernel = threadKernel();
  const crop = kernel.take(memory.crop.length);
  kernel.call.cropPicture(kernel.put(picture.data), width, height, ...square, crop);
  memory.crop.set(kernel.floats(crop, memory.crop.length));
  const prior = kernel.take(memory.prior.length);
  kernel.call.cropMask(putMask(kernel, mask), ...square, prior);
  memory.prior.set(kernel.floats(prior, memory.prior.length));
  return { window, crop: memory.crop, prior: memory.prior };
}

/**
 * Puts the refiner's answer back at analysis size. Only the change that it made is interpolated and
 * added to the finer prior, so an outline that it left alone keeps all its detail.
 *
 * @param logits float32[side, side] for the crop that `cut` was
 * @param deadZone logits that the answer must differ from the prior to change it; see
 * {@link refineDeadZone}
 */
export function pasteRefined(
  mask: SoftMask,
  cut: RefineCrop,
  logits: Float32Array,
  deadZone = 0,
): SoftMask {
  const side = Math.round(Math.sqrt(cut.prior.length));
  const square = [side, cut.window.x, cut.window.y, cut.window.side] as const;
  const window = pictureWindow(cut.window, mask.size);
  const kernel = threadKernel();
  const inputs = [kernel.put(logits), kernel.put(cut.prior)] as const;
  const refined = putMask(kernel, { size: mask.size, window, values: new Float32Array(0) });
  kernel.call.pasteRefined(putMask(kernel, mask), refined, ...inputs, ...square, deadZone);
  return readMask(kernel, refined, mask.size);
}

function pictureWindow(window: RefineWindow, size: Size): Box {
  const x = Math.max(0, Math.floor(window.x));
  const y = Math.max(0, Math.floor(window.y));
  const right = Math.min(size.width, Math.ceil(window.x + window.side));
  const bottom = Math.min(size.height, Math.ceil(window.y + window.side));
  return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
}
