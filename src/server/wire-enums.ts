import type { Container } from '../frame/container.ts';
import type { Delivery, KeyframeReason, ObjectState, OverlapRule } from '../frame/prompt.ts';
import type { PromptAction, PromptKind } from '../frame/prompt.ts';
import * as common from '../gen/maskstream/v1/common.ts';
import * as model from '../gen/maskstream/v1/model.ts';
import * as request from '../gen/maskstream/v1/video_request.ts';
import * as response from '../gen/maskstream/v1/video_response.ts';
import type { SessionEvent } from '../pipeline/session-types.ts';

/*
 * Wire enums and the unions inside. From the wire, a value that is not in the table (UNSPECIFIED
 * without a default, or a number of a later version) gives undefined; to the wire, tables are total.
 */

export const containerFromWire: Readonly<Record<number, Container | undefined>> = {
  [request.Container.CONTAINER_H264_ANNEX_B]: 'h264-annex-b',
  [request.Container.CONTAINER_HEVC_ANNEX_B]: 'hevc-annex-b',
  [request.Container.CONTAINER_MPEG_TS]: 'mpeg-ts',
  [request.Container.CONTAINER_MP4]: 'mp4',
  [request.Container.CONTAINER_MATROSKA]: 'matroska',
  [request.Container.CONTAINER_WEBM]: 'webm',
  [request.Container.CONTAINER_IVF]: 'ivf',
  [request.Container.CONTAINER_MJPEG]: 'mjpeg',
  [request.Container.CONTAINER_AVI]: 'avi',
  [request.Container.CONTAINER_FLV]: 'flv',
  [request.Container.CONTAINER_MPEG_VIDEO]: 'mpeg-video',
};

export const deliveryFromWire: Readonly<Record<number, Delivery | undefined>> = {
  [request.Delivery.DELIVERY_EVERY_FRAME]: 'every-frame',
  [request.Delivery.DELIVERY_LATEST]: 'latest',
};

export const overlapFromWire: Readonly<Record<number, OverlapRule | undefined>> = {
  [common.OverlapRule.OVERLAP_RULE_UNSPECIFIED]: 'disjoint',
  [common.OverlapRule.OVERLAP_RULE_DISJOINT]: 'disjoint',
  [common.OverlapRule.OVERLAP_RULE_INDEPENDENT]: 'independent',
};

export const actionFromWire: Readonly<Record<number, PromptAction | undefined>> = {
  [request.PromptAction.PROMPT_ACTION_ADD]: 'add',
  [request.PromptAction.PROMPT_ACTION_REFINE]: 'refine',
  [request.PromptAction.PROMPT_ACTION_REPLACE]: 'replace',
  [request.PromptAction.PROMPT_ACTION_REMOVE]: 'remove',
};

export const labelFromWire: Readonly<Record<number, 'positive' | 'negative' | undefined>> = {
  [common.PointLabel.POINT_LABEL_POSITIVE]: 'positive',
  [common.PointLabel.POINT_LABEL_NEGATIVE]: 'negative',
};

export const stateToWire: Readonly<Record<ObjectState, common.ObjectState>> = {
  pending: common.ObjectState.OBJECT_STATE_PENDING,
  visible: common.ObjectState.OBJECT_STATE_VISIBLE,
  occluded: common.ObjectState.OBJECT_STATE_OCCLUDED,
  lost: common.ObjectState.OBJECT_STATE_LOST,
};

export const stateFromWire: Readonly<Record<number, ObjectState | undefined>> = {
  [common.ObjectState.OBJECT_STATE_PENDING]: 'pending',
  [common.ObjectState.OBJECT_STATE_VISIBLE]: 'visible',
  [common.ObjectState.OBJECT_STATE_OCCLUDED]: 'occluded',
  [common.ObjectState.OBJECT_STATE_LOST]: 'lost',
};

export const promptKindToWire: Readonly<Record<PromptKind, model.PromptKind>> = {
  points: model.PromptKind.PROMPT_KIND_POINTS,
  box: model.PromptKind.PROMPT_KIND_BOX,
  mask: model.PromptKind.PROMPT_KIND_MASK,
  text: model.PromptKind.PROMPT_KIND_TEXT,
};

export const reasonToWire: Readonly<Record<KeyframeReason, response.KeyframeReason>> = {
  prompt: response.KeyframeReason.KEYFRAME_REASON_PROMPT,
  interval: response.KeyframeReason.KEYFRAME_REASON_INTERVAL,
  'low-confidence': response.KeyframeReason.KEYFRAME_REASON_LOW_CONFIDENCE,
  'scene-cut': response.KeyframeReason.KEYFRAME_REASON_SCENE_CUT,
  'size-change': response.KeyframeReason.KEYFRAME_REASON_SIZE_CHANGE,
  resume: response.KeyframeReason.KEYFRAME_REASON_RESUME,
};

type SessionNotice = Extract<SessionEvent, { kind: 'notice' }>['notice'];

export const noticeToWire: Readonly<Record<SessionNotice, response.NoticeKind>> = {
  overload: response.NoticeKind.NOTICE_KIND_OVERLOAD,
  'decode-warning': response.NoticeKind.NOTICE_KIND_DECODE_WARNING,
  'truncated-input': response.NoticeKind.NOTICE_KIND_TRUNCATED_INPUT,
  'going-away': response.NoticeKind.NOTICE_KIND_GOING_AWAY,
  'worker-restarted': response.NoticeKind.NOTICE_KIND_WORKER_RESTARTED,
  'inference-lost': response.NoticeKind.NOTICE_KIND_INFERENCE_LOST,
  'inference-back': response.NoticeKind.NOTICE_KIND_INFERENCE_BACK,
  'video-answered': response.NoticeKind.NOTICE_KIND_VIDEO_ANSWERED,
};
