import { decodeCocoRle, runLengthsOf, type RunLengthMask } from '../../frame/coco-rle.ts';
import { sameSize, type Size } from '../../frame/geometry.ts';
import type { Mask } from '../../frame/mask.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { learnHistogram, type ColourSamples } from './colour-histogram.ts';
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
import {
  judgeRedetection,
  missRedetection,
  startRedetection,
  type ColouredFrame,
  type RedetectionState,
} from './redetection.ts';
import { propagationLoss } from './propagation-loss.ts';
import { refineDeadZone } from './refine-dead-zone.ts';
import { pasteRefined } from '../mask/refine-window.ts';
import { warpSoftMask } from '../mask/warp.ts';
import { nonRigidMotion } from './non-rigid-motion.ts';
import { resizeMask } from './resize-mask.ts';
import {
  followingConfidenceOf,
  isMissing,
  redetectionOf,
  type SourceKeyframe,
  type TrackedObject,
} from './tracked-object.ts';
import type { DoubtedAction, ObjectAction, TrackerFrame } from '../tracker-types.ts';

/** Masks smaller than this share of the picture are noise: the object counts as hidden. */
const minAreaRatio = 4e-5;

/** IoU that a keyframe must expect of a mask before the object's colours are learnt from it. */
const minHistogramIou = 0.6;

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
  const nonRigidSum = object.nonRigidSum + nonRigidMotion(flow, soft);
  return {
    ...still,
    soft,
    area,
    nonRigidSum,
    lossSum: object.lossSum + propagationLoss({ ...object, nonRigidSum, area }, frame.timestampUs),
    residualSum: object.residualSum + residual / 255,
    residualFrames: object.residualFrames + 1,
    pathPixels: object.pathPixels + Math.hypot(u, v) * scale,
  };
}

/** The object after what the model, the refiner or the client said about it on `frame`. */
export function changeObject(
  object: TrackedObject,
  action: Exclude<ObjectAction, { kind: 'removed' }> | DoubtedAction,
  frame: TrackerFrame,
  { maskSide, samples }: { readonly maskSide: number; readonly samples: ColourSamples | null },
): TrackedObject {
  switch (action.kind) {
    case 'segmented': {
      const found = softMaskFromLogits(action.logits, maskSide, frame.analysis, action.region);
      const gone = action.hidden || softMaskArea(found) < smallestArea(frame.analysis);
      const soft = gone ? emptySoftMask(frame.analysis) : found;
      return atKeyframe(object, soft, {
        frame,
        predictedIou: action.predictedIou,
        presence: action.presence,
        prompt: action.prompt ?? object.prompt,
        samples,
      });
    }
    case 'doubted': {
      const { predictedIou, presence } = action;
      const said = { frame, samples, predictedIou, presence, prompt: object.prompt };
      return atKeyframe(object, object.soft, said);
    }
    case 'given': {
      const { given, pixels } = givenMask(action.mask, frame.display);
      const soft = softMaskFromMask(pixels, frame.analysis);
      const presence = pixels.area > 0 ? 1 : 0;
      const said = { frame, samples, predictedIou: null, presence, prompt: certainPrompt };
      return { ...atKeyframe(object, soft, said), given };
    }
    case 'refined': {
      if (object.cut === null) return object;
      const deadZone = refineDeadZone(object.nonRigidSum);
      const soft = pasteRefined(object.soft, object.cut, action.logits, deadZone);
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
function atKeyframe(
  object: TrackedObject,
  soft: SoftMask,
  said: Pick<SourceKeyframe, 'predictedIou' | 'presence'> & {
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
    pathPixels: 0,
    nonRigidSum: 0,
    lossSum: 0,
    sourceKeyframe: { ...scores, frameIndex: frame.index, timestampUs: frame.timestampUs, area },
  };
  const keyframeConfidence = followingConfidenceOf(made, frame.timestampUs);
  const redetection = isMissing(made, frame.timestampUs)
    ? redetectionAfterMiss(object, { ...frame, samples })
    : null;
  return { ...made, keyframeConfidence, redetection };
}

/**
 * An object as a keyframe on an earlier frame made it, on the frame that is current when its result
 * comes: the mask is carried by composed flow, and what was summed since that frame goes on.
 *
 * @param path flow from that frame to this one; null where nothing moved
 */
export function carryKeyframe(
  made: TrackedObject,
  {
    before,
    now,
    path,
  }: {
    readonly before: TrackedObject;
    readonly now: TrackedObject;
    readonly path: FlowField | null;
  },
): TrackedObject {
  const soft = path === null ? made.soft : warpSoftMask(made.soft, path);
  return {
    ...made,
    soft,
    area: softMaskArea(soft),
    appearance: now.appearance,
    residualSum: Math.max(0, now.residualSum - before.residualSum),
    residualFrames: Math.max(0, now.residualFrames - before.residualFrames),
    pathPixels: Math.max(0, now.pathPixels - before.pathPixels),
    nonRigidSum: Math.max(0, now.nonRigidSum - before.nonRigidSum),
    lossSum: 0,
  };
}

/** Re-detection of an object that a keyframe did not show, or not well. */
export function redetectionAfterMiss(
  object: TrackedObject,
  frame: ColouredFrame<ColourSamples | null>,
): RedetectionState {
  const { redetection } = object;
  if (redetection === null) return startRedetection(frame);
  const { kind } = redetectionOf(object);
  return kind === 'hidden' || kind === 'visible'
    ? missRedetection(redetection, frame)
    : redetection;
}

/** A missing object after the frame's colours were judged; see {@link judgeRedetection}. */
export function judgeMissing(object: TrackedObject, frame: ColouredFrame): TrackedObject {
  const redetection = object.redetection ?? startRedetection(frame);
  return { ...object, redetection: judgeRedetection(redetection, frame, object) };
}

/** An object with the colours that it has on a frame on which a keyframe showed it. */
export function withHistogram(
  object: TrackedObject,
  action: ObjectAction,
  samples: ColourSamples,
): TrackedObject {
  const shown =
    action.kind === 'given' ||
    (action.kind === 'segmented' && !action.hidden && action.predictedIou >= minHistogramIou);
  if (!shown || object.area === 0) return object;
  return {
    ...object,
    histogram: learnHistogram(samples, object.soft, object.histogram) ?? object.histogram,
  };
}

/** A client's mask at display size, which a resumed stream's masks need not have. */
function givenMask(
  mask: RunLengthMask,
  display: Size,
): { readonly given: RunLengthMask; readonly pixels: Mask } {
  const pixels = decodeCocoRle(mask.counts, mask.size);
  if (sameSize(mask.size, display)) return { given: mask, pixels };
  const resized = resizeMask(pixels, display);
  return { given: runLengthsOf(resized), pixels: resized };
}

function smallestArea(size: Size): number {
  return minAreaRatio * size.width * size.height;
}
