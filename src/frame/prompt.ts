import type { Box, Point } from './geometry.ts';
import type { RunLengthMask } from './coco-rle.ts';

/** One click, in display pixels. */
export type Click = Point & { readonly label: 'positive' | 'negative' };

/** What a user says about one object on one frame; at least one field is set. Display pixels. */
export type Prompts = {
  readonly points: readonly Click[];
  readonly box: Box | null;
  /** Becomes pixels only on its frame: an update may wait for long. */
  readonly mask: RunLengthMask | null;
};

/** A phrase that finds up to `maxObjects` objects, which take ids from `firstObjectId` on. */
export type TextQuery = {
  readonly phrase: string;
  readonly firstObjectId: number;
  readonly maxObjects: number;
  /** Least certainty of an instance, 0..1. Default: the model's. */
  readonly minScore?: number;
  /** It is not looked for again on later frames. Default: false. */
  readonly thisFrameOnly?: boolean;
};

/** The frame that an update belongs to. */
export type PromptTarget =
  | { readonly kind: 'next' }
  | { readonly kind: 'frame'; readonly frameIndex: number }
  | { readonly kind: 'timestamp'; readonly timestampUs: number };

/** What an update does to its object. */
export type PromptAction = 'add' | 'refine' | 'replace' | 'remove';

/** One checked update of a client; `text` stands in place of `prompts`. */
export type PromptUpdate = {
  readonly requestId: number;
  /** 1..65535. */
  readonly objectId: number;
  readonly action: PromptAction;
  readonly at: PromptTarget;
  readonly prompts: Prompts;
  readonly text: TextQuery | null;
  readonly label: string | null;
};

/** Where an object is in its life. */
export type ObjectState = 'pending' | 'visible' | 'occluded' | 'lost';

/** Who owns a pixel that two objects claim. */
export type OverlapRule = 'disjoint' | 'independent';

/** Behaviour under load. */
export type Delivery = 'every-frame' | 'latest';

/** Prompt kinds that a model may understand. */
export type PromptKind = 'points' | 'box' | 'mask' | 'text';

/** Why the full model runs on a frame. */
export type KeyframeReason =
  'prompt' | 'interval' | 'low-confidence' | 'scene-cut' | 'size-change' | 'resume';
