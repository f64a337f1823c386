import { emptyMask, maskFromBitmap } from '../../src/frame/mask.ts';
import type { ModelInfo } from '../../src/frame/model.ts';
import type {
  FrameResult,
  SessionEvent,
  SessionSummary,
} from '../../src/pipeline/session-types.ts';
import type { OpenSession, Sessions } from '../../src/server/index.ts';

/** A model that only answers ListModels; no session here runs it. */
export const scriptedModel: ModelInfo = {
  name: 'scripted',
  promptKinds: ['points', 'box', 'mask'],
  vocabulary: [],
  provider: 'cpu',
  selfTest: { passed: true, iou: 0.97 },
  licence: 'Apache-2.0',
  maskSide: 96,
  memorySlots: 2,
  maxClicks: 8,
  refiner: null,
  tracking: {
    memoryIntervalFrames: 5,
    minMemoryIou: 0.5,
    averageMemoryPass: false,
    decodePromptTwice: false,
    mirroredPromptLook: false,
    regionScale: null,
    minPresence: 0.5,
  },
  keyframes: { minInterval: 2, maxInterval: 12, minConfidence: 0.7 },
};

export const pictureSize = { width: 64, height: 48 };

/** StreamInfo of a picture of {@link pictureSize}. */
export function infoEvent(options: Parameters<OpenSession>[1]): SessionEvent {
  return {
    kind: 'info',
    format: {
      fromFrameIndex: 0,
      display: pictureSize,
      analysis: pictureSize,
      frameRate: 30,
      codec: 'h264',
    },
    model: scriptedModel.name,
    provider: 'cpu',
    limits: options.limits,
  };
}

/** A frame with one object of `side` squared pixels in the top left corner. */
export function masksEvent(frameIndex: number, side = 8, revision = 0): SessionEvent {
  const box = { x: 0, y: 0, width: side, height: side };
  const mask =
    side === 0
      ? emptyMask(pictureSize)
      : maskFromBitmap(new Uint8Array(side * side).fill(1), pictureSize, box);
  const result: FrameResult = {
    frameIndex,
    timestampUs: frameIndex * 33_333 - 33_333,
    timestampSynthetic: false,
    captureTimestampUs: null,
    source: frameIndex === 0 ? 'keyframe' : 'propagated',
    keyframeIndex: 0,
    keyframeReason: frameIndex === 0 ? 'prompt' : null,
    framesDroppedBefore: 0,
    revision,
    timings: { total: 7, queue: 1, propagate: 2, encode: 0, decode: 0, refine: 1, output: 3 },
    objects: [
      {
        objectId: 1,
        label: 'dog',
        state: 'visible',
        box: mask.box,
        area: mask.area,
        mask,
        predictedIou: null,
        confidence: 0.5,
      },
    ],
  };
  return { kind: 'masks', result };
}

/** The last event of a session that answered `framesOut` frames. */
export function summaryEvent(framesOut: number): SessionEvent {
  const summary: SessionSummary = {
    framesIn: framesOut,
    framesOut,
    framesDropped: 0,
    keyframes: 1,
    encoderRuns: 1,
    truncated: false,
    stages: [{ stage: 'total', p50Us: 5, p95Us: 6, p99Us: 7, count: framesOut }],
  };
  return { kind: 'summary', summary };
}

/**
 * A session in which every chunk is a frame and every prompt is acknowledged; what a real one does
 * with pixels is no matter at this door.
 */
export const echoSession: OpenSession = async function* (inputs, options) {
  let frames = 0;
  yield infoEvent(options);
  try {
    for await (const input of inputs) {
      options.signal.throwIfAborted();
      if (input.kind === 'prompt') {
        const { requestId, objectId } = input.update;
        yield { kind: 'ack', requestId, frameIndex: frames, objectIds: [objectId] };
      }
      if (input.kind === 'chunk') yield masksEvent(frames++);
    }
  } catch (reason) {
    yield summaryEvent(frames);
    throw reason;
  }
  yield summaryEvent(frames);
};

/** Sessions that all run `open`. */
export function scripted(open: OpenSession): Sessions {
  return { openVideo: open, openImage: open };
}
