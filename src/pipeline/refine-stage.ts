import type { CropRequest, ObjectAction, StepEvidence } from '../tracking/tracker-types.ts';
import type { Refined, Segmenter } from '../frame/ports.ts';
import type { StageClock } from './stage-clock.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** What the stage is made of. */
export type RefineParts = {
  readonly tracker: TrackerHandle;
  readonly segmenter: Segmenter;
  readonly signal: AbortSignal;
};

/** Runs the per-frame refiner of one stream; without one it does nothing. */
export class RefineStage {
  readonly #parts: RefineParts;

  constructor(parts: RefineParts) {
    this.#parts = parts;
  }

  /** Confidence under which masks are to be refined; 0 without a refiner. */
  get maxConfidence(): number {
    return this.#parts.segmenter.info.refiner?.maxConfidence ?? 0;
  }

  /**
   * Pulls propagated masks back to the edge. Returns what is to be applied.
   *
   * @param crops of doubtful masks, as the step on this frame gave them
   */
  async refine(crops: readonly CropRequest[], clock: StageClock): Promise<readonly ObjectAction[]> {
    // Without an appearance from a keyframe the refiner has nothing to compare with.
    const known = crops.filter(({ appearance }) => appearance !== null);
    return await this.#run(known, clock, ({ objectId }, { logits, predictedIou }) => {
      return { kind: 'refined', objectId, logits, predictedIou };
    });
  }

  /** Learns from a keyframe the appearance of the named objects. Returns what is to be applied. */
  async learn(objectIds: readonly number[], clock: StageClock): Promise<readonly ObjectAction[]> {
    const { tracker, segmenter } = this.#parts;
    if (segmenter.info.refiner === null || objectIds.length === 0) return [];
    const crops = await clock.time('refine', () => tracker.call('crops', objectIds));
    const fresh = crops.map((crop) => ({ ...crop, appearance: null }));
    return await this.#run(fresh, clock, ({ objectId }, { appearance }) =>
      appearance === null ? null : { kind: 'appearance', objectId, appearance },
    );
  }

  async #run(
    crops: readonly CropRequest[],
    clock: StageClock,
    toAction: (crop: CropRequest, refined: Refined) => ObjectAction | null,
  ): Promise<ObjectAction[]> {
    if (crops.length === 0) return [];
    const { segmenter, signal } = this.#parts;
    const requests = crops.map(({ objectId: _ours, ...request }) => request);
    const refined = await clock.time('refine', () => segmenter.refine(requests, signal));
    return crops.flatMap((crop, i) => {
      const result = refined[i];
      const action = result ? toAction(crop, result) : null;
      return action === null ? [] : [action];
    });
  }
}

/** Ids of the objects that have a mask on the frame. */
export function visibleObjects({ objects }: StepEvidence): number[] {
  return objects.flatMap(({ objectId, visible }) => (visible ? [objectId] : []));
}
