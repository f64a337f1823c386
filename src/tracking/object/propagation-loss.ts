import { usualFrames } from '../../frame/slow-film.ts';
import type { TrackedObject } from './tracked-object.ts';

/** What the loss of a mask is told by. */
type LossEvidence = Pick<
  TrackedObject,
  'sourceKeyframe' | 'area' | 'nonRigidSum' | 'residualFrames' | 'refinedIou'
>;

/** Doubt of the refiner that a keyframe would not take away either. */
const lastingDoubt = 0.08;

/** IoU that a keyframe wins back for each unit of the refiner's doubt beyond that. */
const lossPerRefinerDoubt = 0.4;

/** Change of the area, in logarithms, that nothing but a cover explains: a third of it. */
const coveredFrom = 0.4;

/**
 * IoU that propagation has probably cost a mask since its keyframe. The refiner tells best: it sees
 * the object before and now (correlation with what a keyframe would have won, 30 clips left out in
 * turn: 0.47; non-rigid motion and area 0.13 to 0.17). Where it was not asked, loss grows with time,
 * with the object's non-rigid motion and with changes of its area. An object that is being covered or
 * uncovered needs a keyframe soon in either case.
 *
 * @param timestampUs of the frame onto which the mask was just carried
 */
export function propagationLoss(object: LossEvidence, timestampUs: number): number {
  const before = object.sourceKeyframe?.area ?? 0;
  const areaChange = before === 0 ? 0 : Math.abs(Math.log(object.area / before));
  const covered = 0.5 * Math.max(0, areaChange - coveredFrom);
  if (object.refinedIou !== null) {
    return lossPerRefinerDoubt * Math.max(0, 1 - object.refinedIou - lastingDoubt) + covered;
  }
  const elapsedUs = timestampUs - (object.sourceKeyframe?.timestampUs ?? timestampUs);
  const frames = object.residualFrames + 1;
  return (
    0.0055 * usualFrames(frames, elapsedUs) +
    0.35 * object.nonRigidSum +
    0.06 * Math.min(1, areaChange) +
    covered
  );
}
