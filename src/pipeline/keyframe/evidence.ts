import type { StepEvidence } from '../../tracking/tracker-types.ts';
import type { ObjectRecords } from '../prompts/object-record.ts';
import type { FrameEvidence } from './policy.ts';

/**
 * Fall of confidence since the keyframe that another keyframe may give back; less of it is no
 * evidence.
 */
const clearDrop = 0.1;

/** What is known of a frame besides its motion. */
export type KnownOfFrame = Pick<
  FrameEvidence,
  | 'frameIndex'
  | 'timestampUs'
  | 'prompted'
  | 'sizeChanged'
  | 'resumed'
  | 'firstPromptFrame'
  | 'lastKeyframe'
  | 'live'
> & { readonly records: ObjectRecords };

/** What the decision for a frame rests on: what the tracker says of it and what is known besides. */
export function frameEvidence(step: StepEvidence, known: KnownOfFrame): FrameEvidence {
  const { records, ...rest } = known;
  const visible = step.objects.filter((object) => object.visible);
  const trusted = visible.filter(({ missing }) => !missing);
  const fallen = trusted.filter(({ confidenceDrop }) => confidenceDrop >= clearDrop);
  const missing = step.objects.filter((object) => {
    const record = records.get(object.objectId);
    return object.missing && record !== undefined && record.state !== 'pending';
  });
  return {
    ...rest,
    trackedObjects: trusted.length,
    missingObjects: missing.length,
    redetection: strongestTrigger(missing),
    sceneCut: step.sceneCut,
    lowestConfidence: Math.min(1, ...fallen.map((object) => object.confidence)),
    largestLossSum: Math.max(0, ...trusted.map((object) => object.lossSum)),
  };
}

/** What a lost object weighs beside those whose masks have drifted; see {@link keyframeNeed}. */
const needOfMissing = 2;

/**
 * How much a stream needs a keyframe, beside others that wait for one: what propagation has probably cost
 * its worst object since its last one, in IoU times frames.
 */
export function keyframeNeed({ objects }: Pick<StepEvidence, 'objects'>): number {
  return Math.max(0, ...objects.map(({ missing, lossSum }) => (missing ? needOfMissing : lossSum)));
}

function strongestTrigger(objects: StepEvidence['objects']): FrameEvidence['redetection'] {
  if (objects.some(({ redetection }) => redetection === 'urgent')) return 'urgent';
  return objects.some(({ redetection }) => redetection === 'due') ? 'due' : 'none';
}
