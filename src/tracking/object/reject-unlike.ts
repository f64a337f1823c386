import { connectedParts } from '../../frame/connected-parts.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import { emptySoftMask, softMaskArea } from '../mask/model-mask.ts';
import type { ObjectAction } from '../tracker-types.ts';
import {
  likePixels,
  resemblance,
  type ColourHistogram,
  type ColourSamples,
} from './colour-histogram.ts';
import type { ColouredFrame } from './redetection.ts';
import { redetectionAfterMiss } from './steps.ts';
import type { TrackedObject } from './tracked-object.ts';

/**
 * Resemblance under which what re-detection found is something else: its colours were in the picture
 * before, and not on the object. Colours that are new, as after a change of light, have more.
 */
const leastResemblance = 0.2;

/** Share of a mask that is like the object under which that is by chance. */
const leastLeftRatio = 0.02;

/** Share of a part's pixels that are like the object from which all of it is the object's. */
const leastLikeRatio = 0.5;

/** Presence of an object for which something else was taken. */
const mistakenPresence = 0.02;

/**
 * The object after an action, without the parts of a re-detected mask that have none of its colours,
 * and hidden where nothing is left. By memory alone the model finds what resembles the object most, and
 * where the object is gone that is another thing, of which it can be very sure; where it comes back,
 * that other thing is often still part of the answer.
 *
 * @param made the object after the action
 * @param before the object as it was
 * @returns `made` itself where nothing was taken away
 */
export function rejectUnlike(
  made: TrackedObject,
  before: TrackedObject,
  action: ObjectAction,
  frame: ColouredFrame,
): TrackedObject {
  const { histogram } = before;
  if (action.kind !== 'segmented' || !action.redetected || histogram === null) return made;
  if (made.area === 0 || made.sourceKeyframe === null) return made;
  const soft = withoutUnlikeParts(made.soft, frame.samples, histogram);
  if (soft === made.soft) return made;
  const area = softMaskArea(soft);
  if (area >= leastLeftRatio * made.area) {
    return { ...made, soft, area, sourceKeyframe: { ...made.sourceKeyframe, area } };
  }
  return {
    ...made,
    soft: emptySoftMask(made.soft.size),
    area: 0,
    keyframeConfidence: 1 - mistakenPresence,
    sourceKeyframe: { ...made.sourceKeyframe, presence: mistakenPresence, area: 0 },
    redetection: redetectionAfterMiss(before, frame),
  };
}

/**
 * The mask without connected parts of other colours, and of parts that are mostly of other colours only
 * what is like the object: another thing that touches it. The same mask where all of it is like the object.
 */
function withoutUnlikeParts(
  mask: SoftMask,
  samples: ColourSamples,
  histogram: ColourHistogram,
): SoftMask {
  if (mask.window === null) return mask;
  const inside = Uint8Array.from(mask.values, (value) => (value >= 0.5 ? 1 : 0));
  const like = likePixels(samples, mask, histogram, leastResemblance);
  const values = mask.values.slice();
  let isWhole = true;
  for (const cells of connectedParts(inside, mask.window, 4)) {
    const part = new Float32Array(values.length);
    for (const cell of cells) part[cell] = mask.values[cell]!;
    const alike = cells.filter((cell) => like[cell] === 1);
    if (alike.length >= leastLikeRatio * cells.length) continue;
    isWhole = false;
    for (const cell of cells) values[cell] = 0;
    if (resemblance(samples, { ...mask, values: part }, histogram) < leastResemblance) continue;
    for (const cell of alike) values[cell] = mask.values[cell]!;
  }
  return isWhole ? mask : { ...mask, values };
}
