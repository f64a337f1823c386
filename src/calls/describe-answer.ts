import { keyframeReasonNames, stateNames } from '../../clients/core/answer-names.ts';
import type { DescribedFrame, DescribedObject } from '../formats/answered-frame.ts';
import type { Size } from '../frame/geometry.ts';
import type { ObjectMask } from '../gen/maskstream/v1/common.ts';
import { type FrameMasks, MaskSource } from '../gen/maskstream/v1/video_response.ts';

/** What the wire says of a frame beside its masks, which stay packed. Runs in browsers too. */
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

/** What the wire says of an object beside its mask. */
export function describeObject(object: ObjectMask): DescribedObject {
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
