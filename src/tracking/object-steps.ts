import { sameSize, type Size } from '../frame/geometry.ts';
import type { SoftMask } from '../frame/soft-mask.ts';
import { summariseRegion } from './flow/summarise-region.ts';
import type { FlowField } from './flow/types.ts';
import {
  emptySoftMask,
  rescaleSoftMask,
  softMaskArea,
  softMaskFromLogits,
  softMaskFromMask,
} from './model-mask.ts';
import { pasteRefined } from './refine-window.ts';
import { softMaskIou } from './soft-mask-iou.ts';
import type { Anchor, TrackedObject } from './tracked-object.ts';
import type { ObjectAction, TrackerFrame } from './tracker-types.ts';

/** Masks smaller than this share of the picture are noise: the object counts as hidden. */
const minAreaRatio = 4e-5;

/** How a picture came from the one before. */
export type Motion = {
  readonly flow: FlowField;
  /** Photometric residual of the flow, 0..255 for every grid pixel. */
  readonly residual: Float32Array;
};

/** Carries one object's mask onto the frame; see `carryObject`. */
export type CarryObject = (mask: SoftMask) => SoftMask;

/**
 * The object on the next frame: carried by flow, scaled where the picture's size changed, left in
 * place where there is no flow (a cut: the keyframe that follows must find it).
 */
export function moveObject(
  object: TrackedObject,
  frame: TrackerFrame,
  motion: (Motion & { readonly carry: CarryObject }) | null,
): TrackedObject {
  const still = { ...object, given: null, cut: null };
  if (object.area === 0) return { ...still, soft: emptySoftMask(frame.analysis) };
  if (!sameSize(object.soft.size, frame.analysis)) {
    const soft = rescaleSoftMask(object.soft, frame.analysis);
    return { ...still, soft, area: softMaskArea(soft) };
  }
  if (motion === null) return still;
  const soft = motion.carry(object.soft);
  const area = softMaskArea(soft);
  if (area < smallestArea(frame.analysis)) {
    return { ...still, soft: emptySoftMask(frame.analysis), area: 0 };
  }
  const { flow } = motion;
  const maps = [motion.residual, flow.u, flow.v];
  const [residual = 0, u = 0, v = 0] = summariseRegion(maps, flow, soft).map(({ mean }) => mean);
  const scale = frame.analysis.width / flow.width;
  return {
    ...still,
    soft,
    area,
    residualSum: object.residualSum + residual / 255,
    residualFrames: object.residualFrames + 1,
    travelPixels: object.travelPixels + Math.hypot(u, v) * scale,
  };
}

/** The object after what the model, the refiner or the client said about it on `frame`. */
export function changeObject(
  object: TrackedObject,
  action: Exclude<ObjectAction, { kind: 'removed' }>,
  frame: TrackerFrame,
  maskSide: number,
): TrackedObject {
  switch (action.kind) {
    case 'segmented': {
      const found = softMaskFromLogits(action.logits, maskSide, frame.analysis, action.region);
      const gone = action.hidden || softMaskArea(found) < smallestArea(frame.analysis);
      const soft = gone ? emptySoftMask(frame.analysis) : found;
      return anchored(object, soft, {
        frame,
        predictedIou: action.predictedIou,
        agreementIou: object.area === 0 ? null : softMaskIou(object.soft, soft),
        presence: action.presence,
      });
    }
    case 'given': {
      const soft = softMaskFromMask(action.mask, frame.analysis);
      const certain = { frame, predictedIou: null, agreementIou: null, presence: 1 };
      return { ...anchored(object, soft, certain), given: action.mask };
    }
    case 'refined': {
      if (object.cut === null) return object;
      const soft = pasteRefined(object.soft, object.cut, action.logits);
      const area = softMaskArea(soft);
      if (area < smallestArea(frame.analysis)) {
        return { ...object, soft: emptySoftMask(frame.analysis), area: 0, cut: null };
      }
      return { ...object, soft, area, cut: null, refinedIou: action.predictedIou };
    }
    case 'appearance':
      return { ...object, appearance: action.appearance, cut: null };
  }
}

/** An object whose mask starts anew from a keyframe. */
function anchored(
  object: TrackedObject,
  soft: SoftMask,
  said: Pick<Anchor, 'predictedIou' | 'agreementIou' | 'presence'> & { frame: TrackerFrame },
): TrackedObject {
  const { frame, ...scores } = said;
  const area = softMaskArea(soft);
  return {
    ...object,
    soft,
    area,
    given: null,
    cut: null,
    refinedIou: null,
    residualSum: 0,
    residualFrames: 0,
    travelPixels: 0,
    anchor: { ...scores, frameIndex: frame.index, timestampUs: frame.timestampUs, area },
  };
}

function smallestArea(size: Size): number {
  return minAreaRatio * size.width * size.height;
}
