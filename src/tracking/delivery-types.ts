import type { DeliveredMask } from '../frame/delivered-mask.ts';
import type { Box, Size } from '../frame/geometry.ts';
import type { Mask } from '../frame/mask.ts';
import type { OverlapRule } from '../frame/prompt.ts';

/* What a frame's masks are delivered as, by the tracker and by its thread. */

/** How masks are delivered. */
export type OutputOptions = {
  readonly overlap: OverlapRule;
  /** Size of the delivered masks; box and area stay in display pixels. */
  readonly maskSize: Size;
  /** Islands and holes of fewer display pixels are dropped and filled. Default: 0, none. */
  readonly minRegionArea?: number;
};

/** One object as it is delivered. */
export type ObjectOutput = {
  readonly objectId: number;
  readonly mask: Mask;
  /** Tight bounds in display pixels; null where the area is 0. */
  readonly box: Box | null;
  /** Pixels at display size. */
  readonly area: number;
  readonly confidence: number;
  /** Probability that the object is in the picture; null before its first keyframe. */
  readonly presence: number | null;
  readonly predictedIou: number | null;
  /** Keyframe that the mask descends from; null before the first. */
  readonly sourceKeyframe: number | null;
};

/** How masks leave the tracking thread: as pixels, or as COCO's run lengths, a hundredth of that. */
export type MaskForm = 'pixels' | 'coco-rle';

/** What a delivery asks for. */
export type DeliveryOptions = OutputOptions & { readonly form: MaskForm };

/** One object as it leaves the tracking thread. */
export type DeliveredObject = Omit<ObjectOutput, 'mask'> & { readonly mask: DeliveredMask };
