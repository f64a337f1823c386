import { ObjectState } from '../../src/gen/maskstream/v1/common.ts';
import { KeyframeReason } from '../../src/gen/maskstream/v1/video_response.ts';

/** The word for each state of an object, as files and pages have it. */
export const stateNames = {
  [ObjectState.OBJECT_STATE_UNSPECIFIED]: 'pending',
  [ObjectState.OBJECT_STATE_PENDING]: 'pending',
  [ObjectState.OBJECT_STATE_VISIBLE]: 'visible',
  [ObjectState.OBJECT_STATE_OCCLUDED]: 'occluded',
  [ObjectState.OBJECT_STATE_LOST]: 'lost',
} as const satisfies Record<ObjectState, string>;

/** The word for why the model ran on a frame; null: it did not. */
export const keyframeReasonNames = {
  [KeyframeReason.KEYFRAME_REASON_UNSPECIFIED]: null,
  [KeyframeReason.KEYFRAME_REASON_PROMPT]: 'prompt',
  [KeyframeReason.KEYFRAME_REASON_INTERVAL]: 'interval',
  [KeyframeReason.KEYFRAME_REASON_LOW_CONFIDENCE]: 'low-confidence',
  [KeyframeReason.KEYFRAME_REASON_SCENE_CUT]: 'scene-cut',
  [KeyframeReason.KEYFRAME_REASON_SIZE_CHANGE]: 'size-change',
  [KeyframeReason.KEYFRAME_REASON_RESUME]: 'resume',
} as const satisfies Record<KeyframeReason, string | null>;
