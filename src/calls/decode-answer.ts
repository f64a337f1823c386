import type { FrameMasks, ObjectMask } from '../../clients/typescript/index.ts';
import { decodeMask } from '../../clients/typescript/index.ts';
import type { Size } from '../frame/geometry.ts';
import { emptyMask, maskFromBitmap } from '../frame/mask.ts';
import type { AnsweredFrame, AnsweredObject } from '../formats/answered-frame.ts';
import { describeFrame, describeObject } from './describe-answer.ts';

/** The wire's frame with masks unpacked. `display` is for objects without a mask. */
export function decodeFrame(masks: FrameMasks, display: Size): AnsweredFrame {
  return {
    ...describeFrame(masks, display),
    objects: masks.objects.map((object) => decodeObject(object, display)),
  };
}

/** One object of an answer; an absent mask is an empty one of `display` size. */
export function decodeObject(object: ObjectMask, display: Size): AnsweredObject {
  const decoded = object.mask === undefined ? null : decodeMask(object.mask);
  return {
    ...describeObject(object),
    mask: decoded === null ? emptyMask(display) : maskFromBitmap(decoded.data, decoded),
  };
}
