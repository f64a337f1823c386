import type { SegmentationError } from '../../frame/errors.ts';
import { type DeliveredMask, maskRunLengths } from '../../frame/delivered-mask.ts';
import type { RunLengthMask } from '../../frame/coco-rle.ts';
import { MaskEncoding } from '../../gen/maskstream/v1/common.ts';
import type { Mask, ObjectMask } from '../../gen/maskstream/v1/common.ts';
import type { ResumeState } from '../../gen/maskstream/v1/video_request.ts';
import * as wire from '../../gen/maskstream/v1/video_response.ts';
import type {
  FrameResult,
  ObjectResult,
  ResumeState as SessionResumeState,
  SessionEvent,
  SessionSummary,
} from '../../pipeline/session-types.ts';
import type { ServerLimits } from '../server-limits.ts';
import { encodeLimits } from './limit-info.ts';
import { noticeToWire, reasonToWire, stateToWire } from '../wire-enums.ts';

type Message = NonNullable<wire.SegmentVideoResponse['message']>;

/** One session event without pixels as a message. */
export function encodeEvent(
  event: Exclude<SessionEvent, { kind: 'masks' }>,
  limits: ServerLimits,
): wire.SegmentVideoResponse {
  return { message: encodeMessage(event, limits) };
}

function encodeMessage(
  event: Exclude<SessionEvent, { kind: 'masks' }>,
  limits: ServerLimits,
): Message {
  switch (event.kind) {
    case 'info':
      return { $case: 'info', value: encodeInfo(event, limits) };
    case 'ack': {
      const { requestId, frameIndex, objectIds } = event;
      return { $case: 'ack', value: { requestId, frameIndex, objectIds: [...objectIds] } };
    }
    case 'prompt-error':
      return encodePromptError(event.requestId, event);
    case 'notice': {
      const { message, resume } = event;
      const kind = noticeToWire[event.notice];
      const state = resume === null ? {} : { resume: encodeResume(resume) };
      return { $case: 'notice', value: { kind, message, ...state } };
    }
    case 'taken':
      return { $case: 'taken', value: { bytes: event.bytes } };
    case 'summary':
      return { $case: 'summary', value: encodeSummary(event.summary) };
  }
}

/** The answer to a refused prompt. */
export function encodePromptError(
  requestId: number,
  { code, message }: Pick<SegmentationError, 'code' | 'message'>,
): Extract<Message, { $case: 'ack' }> {
  return { $case: 'ack', value: { requestId, objectIds: [], error: { code, message } } };
}

/** One object on one frame; its mask only as run lengths. */
export function encodeObject(object: ObjectResult, encoding: MaskEncoding): ObjectMask {
  return {
    objectId: object.objectId,
    label: object.label ?? undefined,
    state: stateToWire[object.state],
    box: object.box ?? undefined,
    area: object.area,
    mask: encoding === MaskEncoding.MASK_ENCODING_COCO_RLE ? wireMask(object.mask) : undefined,
    predictedIou: object.predictedIou ?? undefined,
    confidence: object.confidence,
    presence: object.presence ?? undefined,
  };
}

/** Run lengths that the session made are sent as they are. */
function wireMask(mask: DeliveredMask): Mask | undefined {
  const lengths = maskRunLengths(mask);
  return lengths === null ? undefined : runLengthMask(lengths);
}

function runLengthMask({ size, counts }: RunLengthMask): Mask {
  return { ...size, data: { $case: 'cocoRle', value: { counts } } };
}

function encodeInfo(
  { format, model, provider, limits }: Extract<SessionEvent, { kind: 'info' }>,
  server: ServerLimits,
): wire.StreamInfo {
  return {
    fromFrameIndex: format.fromFrameIndex,
    width: format.display.width,
    height: format.display.height,
    frameRate: format.frameRate ?? undefined,
    codec: format.codec,
    model,
    provider,
    limits: encodeLimits({ ...server, ...limits }),
    retainedFrames: limits.retainedFrames,
  };
}

/** One frame without its objects. */
export function encodeFrame(frame: FrameResult): wire.FrameMasks {
  const { timings, keyframeReason } = frame;
  return {
    frameIndex: frame.frameIndex,
    timestampUs: frame.timestampUs,
    timestampSynthetic: frame.timestampSynthetic,
    source:
      frame.source === 'keyframe'
        ? wire.MaskSource.MASK_SOURCE_KEYFRAME
        : wire.MaskSource.MASK_SOURCE_PROPAGATED,
    keyframeIndex: frame.keyframeIndex ?? undefined,
    keyframeReason:
      keyframeReason === null
        ? wire.KeyframeReason.KEYFRAME_REASON_UNSPECIFIED
        : reasonToWire[keyframeReason],
    framesDroppedBefore: frame.framesDroppedBefore,
    revision: frame.revision,
    timings: {
      totalUs: timings.total,
      queueUs: timings.queue,
      propagateUs: timings.propagate,
      encodeUs: timings.encode,
      decodeUs: timings.decode,
      refineUs: timings.refine,
      outputUs: timings.output,
    },
    objects: [],
    captureTimestampUs: frame.captureTimestampUs ?? undefined,
  };
}

/** Always run lengths: the smallest form, and one that every server takes back. */
function encodeResume({ objects, removedObjectIds, searches }: SessionResumeState): ResumeState {
  return {
    objects: objects.map(({ objectId, label, state, mask }) => ({
      objectId,
      label: label ?? undefined,
      state: stateToWire[state],
      mask: mask === null ? undefined : runLengthMask(mask),
    })),
    removedObjectIds: [...removedObjectIds],
    searches: searches.map(({ query, label, taken }) => ({
      text: { ...query, minScore: query.minScore, thisFrameOnly: false },
      label: label ?? undefined,
      taken,
    })),
    at: undefined,
  };
}

function encodeSummary(summary: SessionSummary): wire.StreamSummary {
  return { ...summary, stages: summary.stages.map((stage) => ({ ...stage })) };
}
