import type { Box, Size } from '../frame/geometry.ts';
import type { RunLengthMask } from '../frame/coco-rle.ts';
import type { DeliveredObject, DeliveryOptions } from './delivery-types.ts';
import type { FlowEngine } from './flow/types.ts';
import type { PromptClarity } from './object/confidence.ts';
import type { Picture } from './mask/refine-window.ts';

/** What a tracker needs to know of the model and the stream. */
export type TrackerOptions = {
  readonly engine: FlowEngine;
  /** Long side of the flow grid, in pixels. */
  readonly flowLongSide: number;
  /** Side of the decoder's square masks. */
  readonly maskSide: number;
  /** Side of the refiner's crop; null without a refiner. */
  readonly cropSide: number | null;
  /** Frames whose state is kept for corrections and asynchronous keyframes. */
  readonly historyFrames: number;
};

/** One picture for the tracker. */
export type TrackerFrame = Picture & {
  readonly index: number;
  readonly timestampUs: number;
  readonly display: Size;
};

/** How a step is made. */
export type AdvanceOptions = {
  /** Flow is wanted though no mask moves: a keyframe is in work that may find a hidden object. */
  readonly needMotion: boolean;
  /** Dropped frames between the last one and this one that flow passes over, oldest first. Default: none. */
  readonly bridge?: readonly TrackerFrame[];
  /** Crops are wanted of visible objects whose confidence is under this. Default: none. */
  readonly cropsUnder?: number;
  /**
   * The masks are wanted at once in this form, where the step leaves nothing to refine: the frame is
   * then done in one call. Default: not.
   */
  readonly deliver?: DeliveryOptions;
};

/** What a step says of one object. */
export type ObjectEvidence = {
  readonly objectId: number;
  /** The mask has pixels. */
  readonly visible: boolean;
  /** Bounds of the mask, in fractions of the picture; null where it has no pixels. */
  readonly box: Box | null;
  /** It has no mask, or one that is probably wrong: keyframes follow its re-detection. */
  readonly missing: boolean;
  /** Expected IoU if the prompt was understood: what a keyframe or the refiner can mend, 0..1. */
  readonly confidence: number;
  /** By how much it was higher just after the object's keyframe. */
  readonly confidenceDrop: number;
  /** IoU that propagation has probably cost since its keyframe, summed over the frames since. */
  readonly lossSum: number;
  /** Whether the model should re-detect a missing object; `urgent`: something like it turned up. */
  readonly redetection: 'none' | 'due' | 'urgent';
};

/** How a keyframe detects an object again. */
export type Redetection = {
  /**
   * `visible`: from its mask, and from memory if that fails; `kept`: from its mask only, as
   * re-detection failed not long ago; `hidden`: from memory; `not-now`: not at all (back-off).
   */
  readonly kind: 'visible' | 'kept' | 'hidden' | 'not-now';
  /** Where a small object probably is, in fractions of the picture; null: anywhere. */
  readonly place: Box | null;
};

/** What a step says of one frame. */
export type StepEvidence = {
  /** How likely it is that a new scene starts here, 0..1. */
  readonly sceneCut: number;
  readonly objects: readonly ObjectEvidence[];
  /** See `AdvanceOptions.cropsUnder`. */
  readonly crops: readonly CropRequest[];
  /** See `AdvanceOptions.deliver`; null where it was not wanted, or there are crops to refine first. */
  readonly delivered: readonly DeliveredObject[] | null;
};

/** Inputs of the refiner for one object. */
export type CropRequest = {
  readonly objectId: number;
  /** float32[3, side, side], RGB 0..255. Shared memory, good until the object's next crop. */
  readonly crop: Float32Array;
  /** float32[side, side], probabilities; as `crop`. */
  readonly prior: Float32Array;
  /** float32[side, side], for the refiner's logits; as `crop`. */
  readonly answer: Float32Array;
  readonly appearance: Float32Array | null;
};

/** The decoder's dense prompt for one object: its propagated mask, and the box around it. */
export type PriorMask = {
  readonly objectId: number;
  /** float32[maskSide, maskSide] of the region that was asked for, probabilities. */
  readonly mask: Float32Array;
  /** Fractions of the picture; null where the mask is empty. */
  readonly box: Box | null;
};

/** What the decoder said of one object. */
export type SegmentedAction = {
  readonly kind: 'segmented';
  readonly objectId: number;
  /** float32[maskSide, maskSide]. */
  readonly logits: Float32Array;
  /** Calibrated, 0..1. */
  readonly predictedIou: number;
  /** Probability that the object is in the picture, 0..1. */
  readonly presence: number;
  /** The object is not there: its mask becomes empty. */
  readonly hidden: boolean;
  /** It was found by memory alone, not from a prompt or where its mask was. */
  readonly redetected: boolean;
  /** The part of the picture that `logits` cover, in fractions. */
  readonly region: Box;
  /** How clearly a prompt on this very frame named the object; null without one. */
  readonly prompt: PromptClarity | null;
};

/** What the decoder said of an object is not believed: its propagated mask stays. See `doubtVanishing`. */
export type DoubtedAction = {
  readonly kind: 'doubted';
  readonly objectId: number;
  /** Of the mask that is not taken: nothing better is known of the one that stays. */
  readonly predictedIou: number;
  readonly presence: number;
};

/** Something that changes an object on the current frame. */
export type ObjectAction =
  | SegmentedAction
  | {
      readonly kind: 'refined';
      readonly objectId: number;
      readonly logits: Float32Array;
      readonly predictedIou: number;
    }
  | { readonly kind: 'appearance'; readonly objectId: number; readonly appearance: Float32Array }
  | { readonly kind: 'given'; readonly objectId: number; readonly mask: RunLengthMask }
  | { readonly kind: 'removed'; readonly objectId: number };
