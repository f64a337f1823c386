import type { PromptKind } from './prompt.ts';

/** What the rest of the program knows about a loaded model. */
export type ModelInfo = {
  readonly name: string;
  readonly promptKinds: readonly PromptKind[];
  /** Words that a phrase may use; empty where text is unsupported or unlimited. */
  readonly vocabulary: readonly string[];
  /** Throws `unknown-word` for a phrase that the model does not understand. Default: all may be asked. */
  readonly checkPhrase?: (phrase: string) => void;
  /** Execution provider in use, such as `cpu`. */
  readonly provider: string;
  readonly selfTest: { readonly passed: boolean; readonly iou: number };
  readonly licence: string;
  /** Side of the square low-resolution masks that the decoder takes and gives, such as 96. */
  readonly maskSide: number;
  /** Earlier frames that the decoder reads; 0 for a model without memory. Slot 0 is the prompt frame. */
  readonly memorySlots: number;
  /** The model keeps a memory of each object beside its features (`ObjectMemory`). Default: null. */
  readonly objectMemory?: {
    /** Most bytes of one object's memory. */
    readonly maxBytes: number;
    /** Whether it takes masks as prompts, or a box and points that are sampled from them. */
    readonly maskPrompts: 'exact' | 'box-and-points';
  } | null;
  /** Most clicks that one decoder run takes. */
  readonly maxClicks: number;
  /** The model brings a per-frame refiner. */
  readonly refiner: {
    readonly cropSide: number;
    readonly appearanceLength: number;
    /** Only masks of a lower confidence are refined: good ones lose a little by it. 0..1. */
    readonly maxConfidence: number;
  } | null;
  /** How this model is best asked during tracking, found on held-out clips; from the manifest. */
  readonly tracking: {
    /** Frames after which the memory of the last good keyframe is replaced; younger ones stay. */
    readonly memoryIntervalFrames: number;
    /** Calibrated IoU from which a keyframe may enter memory. */
    readonly minMemoryIou: number;
    /** Average the logits with a second pass that sees memory only, no prior and no box. */
    readonly averageMemoryPass: boolean;
    /** Decode a box or click prompt a second time, clicks in a zoomed crop, with its first mask as prior. */
    readonly decodePromptTwice: boolean;
    /**
     * Decode a box or click prompt once more in a zoomed crop flipped left to right, and average
     * (test-time flip augmentation): for models that were trained on flipped pictures too. One more
     * encoder run a prompt.
     */
    readonly averageFlipPass: boolean;
    /**
     * Encode only the region of interest around the objects, which holds each one's box made so many times as
     * large: small objects get the model's whole resolution. Null: the whole picture.
     */
    readonly regionScale: number | null;
    /** Presence under which a keyframe says that the object is hidden, 0..1. */
    readonly minPresence: number;
  };
  /** Defaults of the adaptive keyframe policy, fitted with the model. */
  readonly keyframes: {
    readonly minInterval: number;
    readonly maxInterval: number;
    readonly minConfidence: number;
  };
};
