import type { SoftMask } from '../../frame/soft-mask.ts';
import { readMask } from './measures.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { putFlow, putGrey, putMask, readFlow } from '../kernel/structs.ts';
import type { FlowField, FlowImage } from '../flow/types.ts';

/** What an object's own motion is found in. */
export type ObjectMotionInput = {
  /** The object on the frame that `flow` leads to. */
  readonly mask: SoftMask;
  readonly flow: FlowField;
  readonly previous: FlowImage;
  readonly current: FlowImage;
};

/**
 * Fills `out` with the backward flow to warp an object's mask with; `out` may be the input's flow.
 *
 * Around a moving object the flow of the background is of little use for carrying its mask:
 * uncovered background has no origin, matches the object instead, and leaves a smear. So the flow
 * of pixels that come from the mask is pooled (normalised convolution, Knutsson and Westin, CVPR
 * 1993, outliers weighed down in a second round) and stands in where the flow differs from it and
 * explains the pictures no better.
 */
export function followObject(input: ObjectMotionInput, out: FlowField): void {
  const kernel = threadKernel();
  const flow = putFlow(kernel, input.flow);
  const pictures = [
    putGrey(kernel, input.previous.levels[0]!),
    putGrey(kernel, input.current.levels[0]!),
  ] as const;
  kernel.call.follow(putMask(kernel, input.mask), flow, ...pictures);
  readFlow(kernel, flow, out);
}

/** The object's mask on the current frame: carried by its own motion, see {@link followObject}. */
export function carryObject(input: ObjectMotionInput): SoftMask {
  if (input.mask.window === null) return input.mask;
  const kernel = threadKernel();
  const mask = putMask(kernel, input.mask);
  const flow = putFlow(kernel, input.flow);
  const pictures = [
    putGrey(kernel, input.previous.levels[0]!),
    putGrey(kernel, input.current.levels[0]!),
  ] as const;
  kernel.call.follow(mask, flow, ...pictures);
  return readMask(kernel, kernel.call.warp(mask, flow), input.mask.size);
}
