import { sameSize, type Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { learnLook, type ColourSamples } from './colour-histogram.ts';
import { certainPrompt, type PromptClarity } from './confidence.ts';
import { summariseRegion } from '../mask/region-summary.ts';
import type { FlowField } from '../flow/types.ts';
import {
  emptySoftMask,
  rescaleSoftMask,
  softMaskArea,
  softMaskFromLogits,
  softMaskFromMask,
} from '../mask/model-mask.ts';
import { judgeSearch, missSearch, startSearch, type HiddenSearch } from './redetection.ts';
import { propagationLoss } from './propagation-loss.ts';
import { refineCaution } from './refine-dead-zone.ts';
import { pasteRefined } from '../mask/refine-window.ts';
import { strainOf } from './non-rigid-motion.ts';
import {
  followingConfidenceOf,
  isMissing,
  soughtNow,
  type Anchor,
  type TrackedObject,
} from './tracked-object.ts';
import type { ObjectAction, TrackerFrame } from '../tracker-types.ts';

/** Masks smaller than this share of the picture are noise: the object counts as hidden. */
const minAreaRatio = 4e-5;

/** IoU that a keyframe must expect of a mask before the object's look is learnt from it. */
const minLookIou = 0.6;

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
 * place where there is no flow. Over a cut nothing is carried: where the mask was says nothing about
 * the new scene, so the object is hidden until a keyframe finds it there.
 */
export function moveObject(
  object: TrackedObject,
  frame: TrackerFrame,
  motion: (Motion & { readonly carry: CarryObject }) | 'cut' | null,
): TrackedObject {
  const still = { ...object, given: null, cut: null };
  if (object.area === 0) return { ...still, soft: emptySoftMask(frame.analysis) };
  if (motion === 'cut') return { ...still, soft: emptySoftMask(frame.analysis), area: 0 };
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
  const strainSum = object.strainSum + strainOf(flow, soft);
  return {
    ...still,
    soft,
    area,
    strainSum,
    lossSum: object.lossSum + propagationLoss({ ...object, strainSum, area }),
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
  { maskSide, samples }: { readonly maskSide: number; readonly samples: ColourSamples | null },
): TrackedObject {
  switch (action.kind) {
    case 'segmented': {
      const found = softMaskFromLogits(action.logits, maskSide, frame.analysis, action.region);
      const gone = action.hidden || softMaskArea(found) < smallestArea(frame.analysis);
      const soft = gone ? emptySoftMask(frame.analysis) : found;
      return anchored(object, soft, {
        frame,
        predictedIou: action.predictedIou,
        presence: action.presence,
        prompt: action.prompt ?? object.prompt,
        samples,
      });
    }
    case 'given': {
      const soft = softMaskFromMask(action.mask, frame.analysis);
      const said = { frame, samples, predictedIou: null, presence: 1, prompt: certainPrompt };
      return { ...anchored(object, soft, said), given: action.mask };
    }
    case 'refined': {
      if (object.cut === null) return object;
      const caution = refineCaution(object.strainSum);
      const soft = pasteRefined(object.soft, object.cut, action.logits, caution);
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
  said: Pick<Anchor, 'predictedIou' | 'presence'> & {
    readonly frame: TrackerFrame;
    readonly prompt: PromptClarity;
    readonly samples: ColourSamples | null;
  },
): TrackedObject {
  const { frame, samples, prompt, ...scores } = said;
  const area = softMaskArea(soft);
  const made = {
    ...object,
    soft,
    area,
    prompt,
    given: null,
    cut: null,
    refinedIou: null,
    residualSum: 0,
    residualFrames: 0,
    travelPixels: 0,
    strainSum: 0,
    lossSum: 0,
    anchor: { ...scores, frameIndex: frame.index, timestampUs: frame.timestampUs, area },
  };
  const keyframeConfidence = followingConfidenceOf(made, frame.timestampUs);
  const search = isMissing(made, frame.timestampUs)
    ? searchOn(object, { index: frame.index, samples })
    : null;
  return { ...made, keyframeConfidence, search };
}

/** The search for an object that a keyframe did not show, or not well. */
function searchOn(
  object: TrackedObject,
  frame: { readonly index: number; readonly samples: ColourSamples | null },
): HiddenSearch {
  const { search } = object;
  if (search === null) return startSearch(frame.index);
  const { kind } = soughtNow(object);
  return kind === 'hidden' || kind === 'visible' ? missSearch(search, frame) : search;
}

/** A missing object after a glance at the frame; see {@link judgeSearch}. */
export function glanceFor(
  object: TrackedObject,
  frame: { readonly index: number; readonly samples: ColourSamples },
): TrackedObject {
  const search = object.search ?? startSearch(frame.index);
  return { ...object, search: judgeSearch(search, frame, object) };
}

/** An object with the look that it has on a frame on which a keyframe showed it. */
export function withLook(
  object: TrackedObject,
  action: ObjectAction,
  samples: ColourSamples,
): TrackedObject {
  const shown =
    action.kind === 'given' ||
    (action.kind === 'segmented' && !action.hidden && action.predictedIou >= minLookIou);
  if (!shown || object.area === 0) return object;
  return { ...object, look: learnLook(samples, object.soft, object.look) ?? object.look };
}

function smallestArea(size: Size): number {
  return minAreaRatio * size.width * size.height;
}
