import { emptySoftMask } from '../mask/model-mask.ts';
import type { ObjectAction } from '../tracker-types.ts';
import { resemblance, type ColourSamples } from './colour-histogram.ts';
import { redetectionAfterMiss } from './steps.ts';
import type { TrackedObject } from './tracked-object.ts';

/**
 * Resemblance under which what re-detection found is something else: its colours were in the picture
 * before, and not on the object. Colours that are new, as after a change of light, have more.
 */
const leastResemblance = 0.15;

/** Presence of an object for which something else was taken. */
const mistakenPresence = 0.02;

/**
 * The object after an action, or hidden where re-detection found what has none of its colours. By
 * memory alone the model finds what resembles the object most, and where the object is gone that is
 * another thing, of which it can be very sure.
 *
 * @param made the object after the action
 * @param before the object as it was
 */
export function rejectUnlike(
  made: TrackedObject,
  before: TrackedObject,
  action: ObjectAction,
  frame: { readonly index: number; readonly samples: ColourSamples },
): TrackedObject {
  const { histogram } = before;
  if (action.kind !== 'segmented' || !action.redetected || histogram === null) return made;
  if (made.area === 0 || made.sourceKeyframe === null) return made;
  if (resemblance(frame.samples, made.soft, histogram) >= leastResemblance) return made;
  return {
    ...made,
    soft: emptySoftMask(made.soft.size),
    area: 0,
    keyframeConfidence: 1 - mistakenPresence,
    sourceKeyframe: { ...made.sourceKeyframe, presence: mistakenPresence, area: 0 },
    redetection: redetectionAfterMiss(before, frame),
  };
}
