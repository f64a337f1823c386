import type { RunLengthMask } from '../frame/coco-rle.ts';
import type { Container } from '../frame/container.ts';
import type { ErrorCode } from '../frame/errors.ts';
import type { Box } from '../frame/geometry.ts';
import type { DeliveredMask } from '../frame/delivered-mask.ts';
import type {
  Delivery,
  KeyframeReason,
  ObjectState,
  OverlapRule,
  PromptTarget,
  PromptUpdate,
  TextQuery,
} from '../frame/prompt.ts';
import type { MaskForm } from '../tracking/delivery-types.ts';
import type { KeyframePolicy } from './keyframe/policy.ts';
import type { KeyframeBudget } from './keyframe/budget.ts';
import type { Decode, Segmenter, VideoFormat } from '../frame/ports.ts';
import type { StagePercentiles, StageTimingsUs } from './stage-clock.ts';
import type { ObjectMemoryPool } from './prompts/object-memory-pool.ts';
import type { ObjectShare } from './prompts/object-share.ts';
import type { TrackerPool } from './tracker/pool.ts';

/** When the full model runs. */
export type KeyframeOptions = KeyframePolicy;

/** An object carried over from an earlier stream. */
export type ResumeObject = {
  readonly objectId: number;
  readonly label: string | null;
  readonly state: ObjectState;
  /** Null where it has none on the frame that the state belongs to. */
  readonly mask: RunLengthMask | null;
  /** An earlier frame of the new stream from which it is recognised; null: none is known. */
  readonly reference: { readonly frameIndex: number; readonly mask: RunLengthMask } | null;
};

/** A phrase that is looked for until its ids are taken. */
export type ResumeSearch = {
  readonly query: TextQuery;
  readonly label: string | null;
  /** Ids that are taken, from the first on. */
  readonly taken: number;
};

/** What a stream goes on from, another one's objects. */
export type ResumeState = {
  /** All live objects, those without a mask too. */
  readonly objects: readonly ResumeObject[];
  /** Ids that were used and ended. */
  readonly removedObjectIds: readonly number[];
  /** Phrases that are still looked for. */
  readonly searches: readonly ResumeSearch[];
  /**
   * The frame that the masks belong to; frames up to it are not answered. `next`: the first one,
   * which is.
   */
  readonly at: PromptTarget;
};

/** What one stream asked for, checked and with defaults filled in. */
export type SessionOptions = {
  readonly container: Container;
  readonly delivery: Delivery;
  readonly overlap: OverlapRule;
  readonly keyframes: KeyframeOptions;
  /** Frames a second for streams without timing of their own. */
  readonly frameRate: number | null;
  /** Expected display size; another one is `size-mismatch`. */
  readonly expectedSize: { readonly width: number | null; readonly height: number | null };
  /** Largest display size in pixels, where it is less than what the decoder takes anyway. */
  readonly maxFramePixels?: number;
  /** Longest side of delivered masks in pixels; null = display size. */
  readonly maskLongSide: number | null;
  /** Islands and holes of fewer display pixels are left out of masks. Default: 0, none. */
  readonly minMaskRegionArea?: number;
  /** Form in which masks are made; pixels can always be read. Default: `pixels`. */
  readonly maskForm?: MaskForm;
  /** Null: the stream begins without objects. */
  readonly resume: ResumeState | null;
  /**
   * Most frames answered beyond the newest one that was seen; EVERY_FRAME alone. Video is then read
   * ahead of the decoder, and what that took is told. Default: 0, no bound.
   */
  readonly maxUnseenFrames?: number;
  readonly limits: SessionLimits;
  /** Whose stream it is: owners take turns at what all streams share. Default: everybody's. */
  readonly owner?: string;
  /** Its part of what the owner's streams may have of objects; the session closes it. Default: no bound. */
  readonly objectShare?: ObjectShare;
  /** Ends the session at any moment: hang-up, deadline, shutdown. */
  readonly signal: AbortSignal;
  /** Resolves when the server is going away: the session answers with a notice and goes on. */
  readonly goingAway: Promise<void> | null;
};

/** Limits of one stream; stated to the client in StreamInfo. */
export type SessionLimits = {
  readonly maxObjects: number;
  /** Bytes of what a model with a memory of its own may keep of a stream's objects at most. */
  readonly maxObjectMemoryBytes: number;
  readonly maxPoints: number;
  readonly maxPendingPrompts: number;
  /** Bytes of the masks of prompts that wait for their frame. */
  readonly maxPendingBytes: number;
  /** How far ahead of the newest frame a prompt may name one. */
  readonly maxFramesAhead: number;
  /** Frames that corrections may process again at once. */
  readonly maxReplayedFrames: number;
  /** How many more each second. */
  readonly replayedFramesPerSecond: number;
  /** Newest frames that a correction may name; fewer where `maxRetainedBytes` is reached. */
  readonly retainedFrames: number;
  readonly maxRetainedBytes: number;
  /** Time without support after which an object is lost, in microseconds of video. */
  readonly lostAfterUs: number;
};

/** What goes in, in the order in which the client sent it. */
export type SessionInput =
  | {
      readonly kind: 'chunk';
      readonly data: Uint8Array;
      readonly captureTimestampUs: number | null;
      /** Decoding can begin here, as far as the sender knows. Default: false. */
      readonly randomAccess?: boolean;
      /** Bytes at its end with which the next access unit begins. Default: 0. */
      readonly nextUnitBytes?: number;
    }
  | { readonly kind: 'prompt'; readonly update: PromptUpdate }
  /** The user saw this frame. */
  | { readonly kind: 'seen'; readonly frameIndex: number }
  | { readonly kind: 'end-of-video' };

/** One object on one frame. Box, area and confidence describe the mask as delivered. */
export type ObjectResult = {
  readonly objectId: number;
  readonly label: string | null;
  readonly state: ObjectState;
  /** Tight integer bounds in display pixels; null where the area is 0. */
  readonly box: Box | null;
  /** Pixels at display size. */
  readonly area: number;
  /** In the form and at the size that the stream asked for; never null, may be empty. */
  readonly mask: DeliveredMask;
  readonly predictedIou: number | null;
  /** Expected IoU, 0..1. */
  readonly confidence: number;
  /** Probability that the object is in the picture; null before its first keyframe. */
  readonly presence: number | null;
};

/** One processed frame. */
export type FrameResult = {
  readonly frameIndex: number;
  readonly timestampUs: number;
  readonly timestampSynthetic: boolean;
  readonly captureTimestampUs: number | null;
  readonly source: 'keyframe' | 'propagated';
  readonly keyframeIndex: number | null;
  /** Null on a propagated frame. */
  readonly keyframeReason: KeyframeReason | null;
  readonly framesDroppedBefore: number;
  readonly revision: number;
  readonly timings: StageTimingsUs;
  readonly objects: readonly ObjectResult[];
};

/** Totals of one session. */
export type SessionSummary = {
  readonly framesIn: number;
  readonly framesOut: number;
  readonly framesDropped: number;
  readonly keyframes: number;
  readonly encoderRuns: number;
  readonly truncated: boolean;
  readonly stages: readonly StagePercentiles[];
};

/** What comes out. `summary` is last; then the iteration ends, or throws the stream's error. */
export type SessionEvent =
  | {
      readonly kind: 'info';
      readonly format: VideoFormat;
      readonly model: string;
      readonly provider: string;
      readonly limits: SessionLimits;
    }
  | {
      readonly kind: 'ack';
      readonly requestId: number;
      readonly frameIndex: number;
      readonly objectIds: readonly number[];
    }
  | {
      readonly kind: 'prompt-error';
      readonly requestId: number;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly kind: 'masks'; readonly result: FrameResult }
  /** The decoder has taken so many bytes of video. */
  | { readonly kind: 'taken'; readonly bytes: number }
  | {
      readonly kind: 'notice';
      readonly notice:
        | 'overload'
        | 'decode-warning'
        | 'truncated-input'
        | 'going-away'
        | 'worker-restarted'
        | 'inference-lost'
        | 'inference-back'
        | 'video-answered';
      readonly message: string;
      readonly resume: ResumeState | null;
    }
  | { readonly kind: 'summary'; readonly summary: SessionSummary };

/** The folders that a session is plugged together from. */
export type SessionParts = {
  readonly decode: Decode;
  readonly segmenter: Segmenter;
  readonly trackers: TrackerPool;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** The model's time, shared by the live streams of a server. Default: the stream's own. */
  readonly budget?: KeyframeBudget;
  /** What models keep of objects, shared by the streams of a server. Default: the stream's own. */
  readonly objectMemory?: ObjectMemoryPool;
  /**
   * Calls `listener` whenever something befalls the model, and at once where its servers are lost;
   * returns what ends that. Default: nobody tells.
   */
  readonly watchModel?: (listener: (event: ModelEvent) => void) => () => void;
};

/** What may befall a model that streams share. */
export type ModelEvent =
  /** A worker died or hung, and another one was started. */
  | { readonly kind: 'worker-restarted' }
  /** No inference server answers; who needs one waits for so many seconds at most. */
  | { readonly kind: 'inference-lost'; readonly waitSeconds: number }
  /** One answers again. */
  | { readonly kind: 'inference-back' };

/**
 * Runs one stream. Pull-paced on both sides: inputs are taken while outputs are taken. Ending the
 * iteration early, or aborting `options.signal`, releases everything the session holds.
 */
export type RunSession = (
  inputs: AsyncIterable<SessionInput>,
  options: SessionOptions,
  parts: SessionParts,
) => AsyncIterable<SessionEvent>;
