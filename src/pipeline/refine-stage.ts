import type { ObjectAction, StepEvidence } from '../tracking/tracker-types.ts';
import type { Segmenter } from './ports.ts';
import type { TrackerHandle } from './tracker-pool.ts';

/** What is asked of the refiner. */
export type RefineJob = {
  readonly objectIds: readonly number[];
  /**
   * `refine` pulls propagated masks back to the edge; `appearance` only learns from a keyframe what
   * each object looks like.
   */
  readonly purpose: 'refine' | 'appearance';
  readonly signal: AbortSignal;
};

/** Ids of the visible objects whose confidence is under `maxConfidence`. */
export function visibleObjects({ objects }: StepEvidence, maxConfidence: number): number[] {
  const doubtful = objects.filter((object) => object.visible && object.confidence < maxConfidence);
  return doubtful.map(({ objectId }) => objectId);
}

/** Runs the per-frame refiner on the current frame's masks. */
export async function refineObjects(
  tracker: TrackerHandle,
  segmenter: Segmenter,
  job: RefineJob,
): Promise<void> {
  if (job.objectIds.length === 0) return;
  const crops = await tracker.call('crops', job.objectIds);
  const asked = job.purpose === 'appearance' ? crops : crops.filter(hasAppearance);
  if (asked.length === 0) return;
  const requests = asked.map(({ crop, prior, appearance }) => ({
    crop,
    prior,
    appearance: job.purpose === 'appearance' ? null : appearance,
  }));
  const refined = await segmenter.refine(requests, job.signal);
  const actions = asked.flatMap(({ objectId }, i): ObjectAction[] => {
    const result = refined[i];
    if (!result) return [];
    const { logits, predictedIou, appearance } = result;
    return job.purpose === 'appearance'
      ? [{ kind: 'appearance', objectId, appearance }]
      : [{ kind: 'refined', objectId, logits, predictedIou }];
  });
  await tracker.call('apply', actions);
}

/** Without a look from a keyframe the refiner has nothing to compare with. */
function hasAppearance(crop: { readonly appearance: Float32Array | null }): boolean {
  return crop.appearance !== null;
}
