import type { Frame } from '../frame/frame.ts';
import type { Box, View } from '../frame/geometry.ts';
import type { ModelInfo } from '../frame/model.ts';
import type { Click } from '../frame/prompt.ts';

/*
 * What goes in and out of a loaded model. The pipeline declares the same shapes as its port; the two
 * meet by structure, so neither folder imports the other.
 */

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

/** One object for the decoder. Coordinates and masks are in fractions of the encoded region, 0..1. */
export type DecodeRequest = {
  readonly clicks: readonly Click[];
  readonly box: Box | null;
  /** Slightly wrong mask to be brought back onto the object; `maskSide` squared. */
  readonly prior: ModelMask | null;
  /** Earlier frames with the object's mask, prompt frame first; at most `memorySlots`. */
  readonly memory: readonly { readonly features: Features; readonly mask: ModelMask }[];
};

/** What the decoder says of one object. */
export type Segmented = {
  /** Chosen candidate: logits, `maskSide` squared, row-major. */
  readonly logits: Float32Array;
  /** Calibrated IoU that the model expects of the chosen candidate, 0..1. */
  readonly predictedIou: number;
  /** Probability that the object is in the picture at all; 1 where the model cannot tell. */
  readonly presence: number;
  /** IoU of the mask at logits +1 and -1, 0..1: mask stability. */
  readonly stability: number;
  /** IoU of the chosen candidate with the one most like it, 0..1; 1 where there is one only. */
  readonly consensus: number;
};

/** One object for the refiner: a square crop around its propagated mask. */
export type RefineRequest = {
  /** float32[3, side, side], RGB 0..255. */
  readonly crop: Float32Array;
  /** float32[side, side], probabilities. */
  readonly prior: Float32Array;
  /** The object's appearance on its last keyframe; null asks for it only. */
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
  /** The object's appearance on this frame under its prior; null where the request brought an earlier one. */
  readonly appearance: Float32Array | null;
};

/** One instance that a phrase found. Box in fractions of the picture. */
export type TextInstance = { readonly box: Box; readonly score: number; readonly noun: string };

/** A phrase and the frame whose pixels judge its colours. */
export type TextRequest = {
  readonly phrase: string;
  readonly maxObjects: number;
  readonly frame: Frame;
};

/**
 * A model whose self-test passed, shared by all streams. Calls may overlap; they queue in order.
 * A killed worker is started again and the call retried once.
 *
 * Throws `model-failed`, `worker-died` (the retry died too), `unknown-word`, `cancelled`,
 * `shutting-down` (after `close`).
 */
export type LoadedModel = AsyncDisposable & {
  readonly info: ModelInfo;
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
  /** Features that are not closed yet. Tests end with 0. */
  liveFeatures(): number;
  /** Ends the workers; calls under way fail with `shutting-down`. Idempotent. */
  close(): Promise<void>;
};
