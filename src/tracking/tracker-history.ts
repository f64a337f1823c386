import { composeFlow } from './flow/compose.ts';
import { createFlowField } from './flow/image.ts';
import { sceneCutThreshold } from './flow/scene-cut.ts';
import type { FlowField } from './flow/types.ts';
import type { Motion } from './object/steps.ts';
import type { TrackedObject } from './object/tracked-object.ts';
import type { TrackerFrame } from './tracker-types.ts';

/** State after one frame. Objects and flow are immutable, so it holds references only. */
export type Moment = {
  readonly frame: Omit<TrackerFrame, 'data'>;
  readonly motion: Motion | null;
  readonly sceneCut: number;
  readonly objects: ReadonlyMap<number, TrackedObject>;
};

/** A given mask is given again when its frame is, and can be large. */
function withoutGiven(
  objects: ReadonlyMap<number, TrackedObject>,
): ReadonlyMap<number, TrackedObject> {
  return new Map(
    [...objects].map(([id, object]) => [
      id,
      object.given === null ? object : { ...object, given: null },
    ]),
  );
}

/** The newest moments of a stream, oldest first: what corrections and asynchronous keyframes go back to. */
export class TrackerHistory {
  readonly #mostFrames: number;
  readonly #moments: Moment[] = [];

  constructor(mostFrames: number) {
    this.#mostFrames = mostFrames;
  }

  /** The moment of a frame; undefined where it was never seen or is too old. */
  at(frameIndex: number): Moment | undefined {
    return this.#moments.find((moment) => moment.frame.index === frameIndex);
  }

  /** Adds a moment, or replaces that of the same frame. */
  put(made: Moment): void {
    const moment = { ...made, objects: withoutGiven(made.objects) };
    const at = this.#moments.findIndex((known) => known.frame.index === moment.frame.index);
    if (at >= 0) {
      this.#moments[at] = moment;
      return;
    }
    this.#moments.push(moment);
    if (this.#moments.length > this.#mostFrames) this.#moments.shift();
  }

  /** The moment of a frame takes over what was changed on it. */
  amend(frameIndex: number, objects: ReadonlyMap<number, TrackedObject>): void {
    const moment = this.at(frameIndex);
    if (moment) this.put({ ...moment, objects: new Map(objects) });
  }

  /** Whether a cut lies after a frame: masks cannot be carried over it. */
  hasCutAfter(frameIndex: number): boolean {
    return this.#after(frameIndex).some(({ sceneCut }) => sceneCut >= sceneCutThreshold);
  }

  /** Composed flow from the newest frame back to an earlier one; null where nothing moved. */
  pathTo(frameIndex: number): FlowField | null {
    let path: FlowField | null = null;
    for (const { motion } of this.#after(frameIndex)) {
      if (motion === null) continue;
      if (path === null) {
        path = motion.flow;
      } else {
        const longer = createFlowField(motion.flow);
        composeFlow(motion.flow, path, longer);
        path = longer;
      }
    }
    return path;
  }

  /** Forgets everything. */
  clear(): void {
    this.#moments.length = 0;
  }

  #after(frameIndex: number): Moment[] {
    const at = this.#moments.findIndex((moment) => moment.frame.index === frameIndex);
    return this.#moments.slice(at + 1);
  }
}
