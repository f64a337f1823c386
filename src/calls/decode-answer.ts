import type { FrameMasks, ObjectMask } from '../../clients/typescript/index.ts';
import {
  decodeMask,
  KeyframeReason,
  MaskSource,
  ObjectState,
} from '../../clients/typescript/index.ts';
import type { Size } from '../frame/geometry.ts';
import { emptyMask, maskFromBitmap } from '../frame/mask.ts';
import type { AnsweredFrame, AnsweredObject } from '../formats/answered-frame.ts';

const states = {
  [ObjectState.OBJECT_STATE_UNSPECIFIED]: 'pending',
  [ObjectState.OBJECT_STATE_PENDING]: 'pending',
  [ObjectState.OBJECT_STATE_VISIBLE]: 'visible',
  [ObjectState.OBJECT_STATE_OCCLUDED]: 'occluded',
  [ObjectState.OBJECT_STATE_LOST]: 'lost',
} as const satisfies Record<ObjectState, AnsweredObject['state']>;

const reasons = {
  [KeyframeReason.KEYFRAME_REASON_UNSPECIFIED]: null,
  [KeyframeReason.KEYFRAME_REASON_PROMPT]: 'prompt',
  [KeyframeReason.KEYFRAME_REASON_INTERVAL]: 'interval',
  [KeyframeReason.KEYFRAME_REASON_LOW_CONFIDENCE]: 'low-confidence',
  [KeyframeReason.KEYFRAME_REASON_SCENE_CUT]: 'scene-cut',
  [KeyframeReason.KEYFRAME_REASON_SIZE_CHANGE]: 'size-change',
  [KeyframeReason.KEYFRAME_REASON_RESUME]: 'resume',
} as const satisfies Record<KeyframeReason, AnsweredFrame['reason']>;

/** The wire's frame with masks unpacked. `display` is for objects without a mask. */
export function decodeFrame(masks: FrameMasks, display: Size): AnsweredFrame {
  return {
    size: display,
    frameIndex: masks.frameIndex,
    timestampUs: masks.timestampUs,
    source: masks.source === MaskSource.MASK_SOURCE_KEYFRAME ? 'keyframe' : 'propagated',
    reason: reasons[masks.keyframeReason],
    keyframeIndex: masks.keyframeIndex ?? null,
    framesDroppedBefore: masks.framesDroppedBefore,
    totalUs: masks.timings?.totalUs ?? 0,
    captureTimestampUs: masks.captureTimestampUs ?? null,
    objects: masks.objects.map((object) => decodeObject(object, display)),
  };
}

/** One object of an answer; an absent mask is an empty one of `display` size. */
export function decodeObject(object: ObjectMask, display: Size): AnsweredObject {
  const decoded = object.mask === undefined ? null : decodeMask(object.mask);
  return {
    objectId: object.objectId,
    label: object.label ?? null,
    state: states[object.state],
    box: object.box ?? null,
    area: object.area,
    predictedIou: object.predictedIou ?? null,
    confidence: object.confidence,
    presence: object.presence ?? null,
    mask: decoded === null ? emptyMask(display) : maskFromBitmap(decoded.data, decoded),
  };
}
