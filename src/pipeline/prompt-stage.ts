import type { StepEvidence } from '../tracking/tracker-types.ts';
import type { FrameTask, StreamState } from './frame-task.ts';
import { applyPrompts, type PromptedFrame, type PromptScene } from './prompts/apply-prompts.ts';
import type { SearchStage } from './search-stage.ts';
import type { StageClock } from './stage-clock.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** What the stage is made of. */
export type PromptParts = {
  readonly tracker: TrackerHandle;
  readonly searches: SearchStage;
  /** Most clicks on one frame that the model takes for one object. */
  readonly maxClicks: number;
  /** Most objects of the stream. */
  readonly maxObjects: number;
  /** When phrases of earlier frames are looked for: on this one, or (LATEST) beside later ones. */
  readonly standingSearches: 'at-once' | 'later';
};

/** A stream's frame when its prompts' turn has come. */
export type FrameBeforePrompts = {
  readonly state: StreamState;
  readonly step: StepEvidence;
  readonly clock: StageClock;
};

/** Applies a frame's prompts, and phrases of earlier ones, to the stream's objects. */
export class PromptStage {
  readonly #parts: PromptParts;

  constructor(parts: PromptParts) {
    this.#parts = parts;
  }

  /** Resolves with the objects; masks that were given or found are in the tracker by then. */
  async apply(
    { frame, updates }: FrameTask,
    { state, step, clock }: FrameBeforePrompts,
  ): Promise<PromptedFrame> {
    const { tracker, searches, maxClicks, maxObjects, standingSearches } = this.#parts;
    const look: PromptScene['look'] = (search, known) =>
      searches.look(frame, search, { ...known, step, clock });
    const { records, firstPromptFrame } = state;
    const scene = { records, searches: state.searches, frame, maxClicks, maxObjects, look };
    const prompted = await applyPrompts(updates, scene);
    // One by one: a given mask of a large picture takes a while, and other streams share the thread.
    for (const action of prompted.actions) await tracker.call('apply', [action]);
    if (standingSearches === 'later') return prompted;
    let now = prompted;
    for (const search of searches.due(frame.index, step, { ...prompted, firstPromptFrame })) {
      const found = await look(search, now);
      now = {
        ...now,
        records: found.records,
        searches: found.searches,
        found: new Set([...now.found, ...found.objectIds]),
      };
    }
    return now;
  }
}
