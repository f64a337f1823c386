import { softMaskIou } from '../mask/iou.ts';
import { softMaskFromLogits } from '../mask/model-mask.ts';
import type { DoubtedAction, ObjectAction } from '../tracker-types.ts';
import { resemblance, type ColourSamples } from './colour-histogram.ts';
import type { TrackedObject } from './tracked-object.ts';

/** IoU with the propagated mask from which the model's own mask is the same thing. */
const sameMaskIou = 0.7;

/** Resemblance under a mask from which it is still on its object. */
const ownResemblance = 0.6;

/** Share of the picture from which an object does not vanish from one frame to the next. */
const largeRatio = 0.05;

/** Presence of an object of which the model says that it is gone, and all else that it is there. */
const doubtfulPresence = 0.5;

/**
 * What the model said of a tracked object, if it says that the object is gone, against two witnesses:
 * the flow, which carried a mask here, and the object's colours under that mask. The model judges
 * presence by what it was trained on, and has hardly seen objects that fill the picture
 * (docs/experiments/2026-11-30-kinds.md).
 *
 * - Its own mask is the propagated one, in the object's colours: the object is there, as the model draws it.
 * - Its own mask is another one or empty, but the object's colours are still where a large object was: the
 *   object is there, as the flow has it.
 *
 * @param before the object on the frame that the model saw, carried there
 * @param now the same on the current frame, which is later where the model's answer was late
 * @param frame colours of the current frame
 * @returns `action` itself where there is nothing to doubt
 */
export function doubtVanishing<Action extends ObjectAction>(
  action: Action,
  { before, now }: { readonly before: TrackedObject; readonly now: TrackedObject },
  frame: { readonly samples: ColourSamples; readonly maskSide: number },
): Action | DoubtedAction {
  const { histogram } = now;
  if (action.kind !== 'segmented' || !action.hidden || action.redetected) return action;
  if (histogram === null || before.area === 0 || now.area === 0) return action;
  if (resemblance(frame.samples, now.soft, histogram) < ownResemblance) return action;
  const presence = Math.max(action.presence, doubtfulPresence);
  const { size } = before.soft;
  const found = softMaskFromLogits(action.logits, frame.maskSide, size, action.region);
  if (softMaskIou(found, before.soft) >= sameMaskIou) return { ...action, hidden: false, presence };
  if (before.area < largeRatio * size.width * size.height) return action;
  const { objectId, predictedIou } = action;
  return { kind: 'doubted', objectId, predictedIou, presence };
}
