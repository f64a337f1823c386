import type { SegmentationError } from '../../frame/errors.ts';
import { type MaskEncoding, MaskEncoding as Encoding } from '../../gen/maskstream/v1/common.ts';
import type { Mask, ObjectMask } from '../../gen/maskstream/v1/common.ts';
import type { ResumeState } from '../../gen/maskstream/v1/video_request.ts';
import * as wire from '../../gen/maskstream/v1/video_response.ts';
import type {
  FrameResult,
  ObjectResult,
  ResumeObject,
  SessionEvent,
  SessionSummary,
} from '../../pipeline/session-types.ts';
import { encodeMask } from '../mask-encoding/index.ts';
import type { ServerLimits } from '../server-limits.ts';
import { noticeToWire, reasonToWire, stateToWire } from '../wire-enums.ts';

/** What the answers of one stream depend on. */
export type ResponseOptions = {
  readonly maskEncoding: MaskEncoding;
  readonly limits: ServerLimits;
};

type Message = NonNullable<wire.SegmentVideoResponse['message']>;

/** One session event as a message. */
export function encodeEvent(
  event: SessionEvent,
  options: ResponseOptions,
): wire.SegmentVideoResponse {
  return { message: encodeMessage(event, options) };
}

function encodeMessage(event: SessionEvent, options: ResponseOptions): Message {
  switch (event.kind) {
    case 'info':
      return { $case: 'info', value: encodeInfo(event, options.limits) };
    case 'ack': {
      const { requestId, frameIndex, objectIds } = event;
      return { $case: 'ack', value: { requestId, frameIndex, objectIds: [...objectIds] } };
    }
    case 'prompt-error':
      return encodePromptError(event.requestId, event);
    case 'masks':
      return { $case: 'masks', value: encodeFrame(event.result, options.maskEncoding) };
    case 'notice': {
      const { message, resume } = event;
      const kind = noticeToWire[event.notice];
      const state = resume === null ? {} : { resume: encodeResume(resume) };
      return { $case: 'notice', value: { kind, message, ...state } };
    }
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

/** One object on one frame. */
export function encodeObject(object: ObjectResult, encoding: MaskEncoding): ObjectMask {
  return {
    objectId: object.objectId,
    label: object.label ?? undefined,
    state: stateToWire[object.state],
    box: object.box ?? undefined,
    area: object.area,
    mask: encodeObjectMask(object, encoding),
    predictedIou: object.predictedIou ?? undefined,
    confidence: object.confidence,
    presence: object.presence ?? undefined,
  };
}

/** Run lengths that the session made are sent as they are. */
function encodeObjectMask(object: ObjectResult, encoding: MaskEncoding): Mask | undefined {
  if (encoding === Encoding.MASK_ENCODING_NONE) return undefined;
  if (object.cocoRle === undefined || encoding !== Encoding.MASK_ENCODING_COCO_RLE) {
    return encodeMask(object.mask, encoding);
  }
  const { size, counts } = object.cocoRle;
  if (counts === null) return undefined;
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
    limits: {
      maxRequestBytes: server.maxRequestBytes,
      maxResponseBytes: server.maxResponseBytes,
      maxChunkBytes: server.maxChunkBytes,
      maxObjects: limits.maxObjects,
      maxPoints: limits.maxPoints,
      maxPendingPrompts: limits.maxPendingPrompts,
      maxFramePixels: server.maxFramePixels,
      lostAfterUs: limits.lostAfterUs,
    },
    retainedFrames: limits.retainedFrames,
  };
}

function encodeFrame(frame: FrameResult, encoding: MaskEncoding): wire.FrameMasks {
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
    objects: frame.objects.map((object) => encodeObject(object, encoding)),
    captureTimestampUs: frame.captureTimestampUs ?? undefined,
  };
}

/** Always run lengths: the smallest form, and one that every server takes back. */
function encodeResume(objects: readonly ResumeObject[]): ResumeState {
  return {
    objects: objects.map(({ objectId, label, mask }) => ({
      objectId,
      label: label ?? undefined,
      mask: encodeMask(mask, Encoding.MASK_ENCODING_COCO_RLE),
    })),
  };
}

function encodeSummary(summary: SessionSummary): wire.StreamSummary {
  return { ...summary, stages: summary.stages.map((stage) => ({ ...stage })) };
}
