import type { FrameMasks, ObjectMask } from '../../clients/typescript/index.ts';
import { keyframeReasonNames, stateNames } from '../../clients/core/answer-names.ts';
import { decodeMask, MaskSource } from '../../clients/typescript/index.ts';
import type { Size } from '../frame/geometry.ts';
import { emptyMask, maskFromBitmap } from '../frame/mask.ts';
import type {
  AnsweredFrame,
  AnsweredObject,
  DescribedFrame,
  DescribedObject,
} from '../formats/answered-frame.ts';

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

/** What the wire says of a frame beside its masks, which stay packed. */
export function describeFrame(masks: FrameMasks, display: Size): DescribedFrame {
  return {
    size: display,
    frameIndex: masks.frameIndex,
    timestampUs: masks.timestampUs,
    source: masks.source === MaskSource.MASK_SOURCE_KEYFRAME ? 'keyframe' : 'propagated',
    reason: keyframeReasonNames[masks.keyframeReason],
    keyframeIndex: masks.keyframeIndex ?? null,
    framesDroppedBefore: masks.framesDroppedBefore,
    totalUs: masks.timings?.totalUs ?? 0,
    captureTimestampUs: masks.captureTimestampUs ?? null,
    objects: masks.objects.map(describeObject),
  };
}

function describeObject(object: ObjectMask): DescribedObject {
  return {
    objectId: object.objectId,
    label: object.label ?? null,
    state: stateNames[object.state],
    box: object.box ?? null,
    area: object.area,
    predictedIou: object.predictedIou ?? null,
    confidence: object.confidence,
    presence: object.presence ?? null,
  };
}
