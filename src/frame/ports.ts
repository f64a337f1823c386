import type { Container } from './container.ts';
import type { Frame } from './frame.ts';
import type { Box, Size, View } from './geometry.ts';
import type { ModelInfo } from './model.ts';
import type { Click } from './prompt.ts';

/*
 * The shapes that the pipeline needs and the other folders satisfy: `video` decodes, `inference`
 * segments. With them the whole pipeline runs in tests with neither a model nor ffmpeg.
 */

/** What the decoder knows of the video from one frame on. */
export type VideoFormat = {
  readonly fromFrameIndex: number;
  readonly display: Size;
  readonly analysis: Size;
  /** Frames a second, where the container or the client says so. */
  readonly frameRate: number | null;
  /** As ffmpeg spells it, such as `h264`. */
  readonly codec: string;
};

/**
 * What comes out of a decoder: `format` before the first frame and again before the first frame of
 * another size; then frames in presentation order, each owned by the receiver. A stream that fails
 * throws after what was decoded; one that ends early says `truncated` last.
 */
export type DecodeEvent =
  | { readonly kind: 'format'; readonly format: VideoFormat }
  | {
      readonly kind: 'frame';
      readonly frame: Frame;
      /** Byte of the stream at which its access unit begins; absent where that is not known. */
      readonly position?: number;
    }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'truncated'; readonly message: string };

/** Options of {@link Decode}. */
export type DecodeOptions = {
  readonly container: Container;
  /** Frames a second for streams without timing of their own. */
  readonly frameRate: number | null;
  /** Largest display size in pixels. Default: the decoder's own limit, which is never passed. */
  readonly maxFramePixels?: number;
  /**
   * How many frames the chunks lack before the decoder's `decodedFrames`-th one, whose access unit
   * begins at byte `position` (null: not known): they count in `Frame.index` and in times that are made
   * from a frame rate. Asked in order. Default: none.
   */
  readonly framesSkippedBefore?: (decodedFrames: number, position: number | null) => number;
  /** Nobody waits for the frames at the pace of a clock: others have the processor first. Default: false. */
  readonly yields?: boolean;
  readonly signal: AbortSignal;
};

/**
 * Decodes encoded bytes. Pull-paced: bytes are taken while frames are taken, and only a bounded
 * number of either is held. Ending the iteration early, also while a frame is awaited, ends the
 * decoder.
 *
 * Throws `empty-stream`, `invalid-config` (no frame rate), `undecodable-video`,
 * `unsupported-codec`, `frame-too-large`, `spool-too-large`, `decoder-failed`, `decoder-stalled`,
 * `cancelled`.
 */
export type Decode = (
  chunks: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
) => AsyncIterable<DecodeEvent>;

/** Image features of one frame, held where the model runs. Each owner closes. */
export type Features = Disposable & {
  readonly frameIndex: number;
  /** The part of the picture that was encoded, in fractions of the picture. */
  readonly region: Box;
  /** What was encoded is the region flipped left to right. */
  readonly flipped: boolean;
  /** One more owner; each owner closes. Returns these features. */
  retain(): Features;
  /** Gives up ownership; the last close frees the worker's memory and the frame. */
  close(): void;
};

/** A low-resolution mask of an encoded region, stretched to a square: probabilities, row-major. */
export type ModelMask = Float32Array;

/** What a model keeps of one keyframe of one object. */
export type MemoryTrace = {
  /** Number of the keyframe in the object's life, from 0: keyframes are counted, not frames. */
  readonly keyframe: number;
  /** The object was prompted there (a conditioning frame). */
  readonly prompted: boolean;
  /** The memory map, bfloat16 bits or float32; null: only the pointer is still of use. */
  readonly map: Uint16Array | Float32Array | null;
  /** Object pointer. */
  readonly pointer: Float32Array;
};

/**
 * The state that a model with a memory of its own keeps of one object: bounded, immutable, in shared
 * memory, so that it crosses threads without a copy. Only the model's layout looks inside.
 */
export type ObjectMemory = {
  /** Keyframes so far. */
  readonly keyframes: number;
  /** Oldest first. */
  readonly traces: readonly MemoryTrace[];
};

/** One object for the decoder. Coordinates and masks are in fractions of the encoded region, 0..1. */
export type DecodeRequest = {
  readonly clicks: readonly Click[];
  readonly box: Box | null;
  /** Slightly wrong mask to be brought back onto the object; `maskSide` squared. */
  readonly prior: ModelMask | null;
  /** Earlier frames with the object's mask, prompt frame first; at most `memorySlots`. */
  readonly memory: readonly { readonly features: Features; readonly mask: ModelMask }[];
  /**
   * What the model keeps of the object so far; null: nothing yet. Only, and always, where
   * `info.objectMemory` is set.
   */
  readonly objectMemory?: ObjectMemory | null;
  /** `prior` is right, as somebody gave it: a mask prompt. Only where `info.objectMemory` is set. */
  readonly isGiven?: boolean;
};

/** What the decoder says of one object. */
export type Segmented = {
  /** Chosen candidate: logits, `maskSide` squared, row-major. */
  readonly logits: Float32Array;
  /** Calibrated IoU that the model expects of the chosen candidate, 0..1. */
  readonly predictedIou: number;
  /** Probability that the object is in the picture at all, 0..1; 1 where the model cannot tell. */
  readonly presence: number;
  /** Mask stability: IoU of the mask at logits +1 and -1, 0..1. */
  readonly stability: number;
  /** IoU of the chosen candidate with the one most like it, 0..1; 1 where there is one only. */
  readonly consensus: number;
  /** What the model keeps of the object from here on; absent where it has no memory of its own. */
  readonly objectMemory?: ObjectMemory;
};

/** One object for the refiner: a square crop around its propagated mask. */
export type RefineRequest = {
  /** float32[3, side, side], RGB 0..255. */
  readonly crop: Float32Array;
  /** float32[side, side], probabilities. */
  readonly prior: Float32Array;
  /** The object's appearance on its last keyframe; null asks for that alone. */
  readonly appearance: Float32Array | null;
  /** Shared memory that the logits go into, float32[side, side]. Default: new memory. */
  readonly answer?: Float32Array;
};

/** What the refiner says of one object. */
export type Refined = {
  /** float32[side, side], logits; the request's `answer` where it brought one. */
  readonly logits: Float32Array;
  /** Expected IoU of `logits`, 0..1. */
  readonly predictedIou: number;
  /** The appearance on this frame under its prior; null where the request brought an earlier one. */
  readonly appearance: Float32Array | null;
};

/** One instance that a phrase found. Box in fractions of the picture. */
export type TextInstance = { readonly box: Box; readonly score: number; readonly noun: string };

/** A phrase and the frame whose pixels judge its colours. */
export type TextRequest = {
  readonly phrase: string;
  readonly maxObjects: number;
  /** Least {@link TextInstance} score, 0..1. Default: the model's. */
  readonly minScore?: number;
  readonly frame: Frame;
};

/**
 * A loaded model, shared by all streams. Calls may overlap; they queue in order. A killed worker is
 * started again and the call retried once.
 *
 * Throws `model-failed`, `worker-died` (the retry died too), `inference-unavailable` (the servers that
 * run it did not answer in time), `unknown-word`, `cancelled`, `shutting-down`.
 */
export type Segmenter = {
  readonly info: ModelInfo;
  /**
   * False while the servers that run the model do not answer; calls wait for them then. Default: true.
   */
  isReachable?(): boolean;
  /**
   * Runs the image encoder on one frame, or on a part of it, flipped or not. Default: the whole
   * picture as it is. The caller closes the features.
   */
  encode(frame: Frame, signal: AbortSignal, view?: View): Promise<Features>;
  /** Runs the mask decoder, one result per request, in order. */
  decode(
    features: Features,
    requests: readonly DecodeRequest[],
    signal: AbortSignal,
  ): Promise<Segmented[]>;
  /** Runs the per-frame refiner; only where `info.refiner` is set. */
  refine(requests: readonly RefineRequest[], signal: AbortSignal): Promise<Refined[]>;
  /** Finds the instances of a phrase, best first; only where `info.promptKinds` has `text`. */
  findText(features: Features, query: TextRequest, signal: AbortSignal): Promise<TextInstance[]>;
};
