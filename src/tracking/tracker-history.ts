import { composeFlow } from './flow/compose.ts';
import { createFlowField } from './flow/image.ts';
import { sceneCutThreshold } from './flow/scene-cut.ts';
import type { FlowField } from './flow/types.ts';
import type { Motion } from './object/steps.ts';
import type { TrackedObject } from './object/tracked-object.ts';
import type { TrackerFrame } from './tracker-types.ts';

/** How a picture came from the one before, and how likely it is that a new scene starts there, 0..1. */
export type Step = { readonly motion: Motion | null; readonly sceneCut: number };

/** State after one frame. Objects and flow are immutable, so it holds references only. */
export type Moment = {
  readonly frame: Omit<TrackerFrame, 'data'>;
  /** From the moment before, over all steps; null where nothing moved. */
  readonly motion: Motion | null;
  /** The likeliest cut of all steps. */
  readonly sceneCut: number;
  /** One for each dropped frame that flow passed over, then that of the frame itself. */
  readonly steps: readonly Step[];
  readonly objects: ReadonlyMap<number, TrackedObject>;
};

/** Several steps as one, oldest first: their flow composed, the residual of the newest. */
export function joinSteps(steps: readonly Step[]): Step {
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  const sceneCut = Math.max(0, ...steps.map((step) => step.sceneCut));
  const flow = chainFlows(steps.map(({ motion }) => motion));
  const residual = steps.findLast(({ motion }) => motion !== null)?.motion?.residual;
  const motion = flow === null || residual === undefined ? null : { flow, residual };
  return { motion, sceneCut };
}

/** Backward flow over several motions, oldest first; null where nothing moved. */
function chainFlows(motions: readonly (Motion | null)[]): FlowField | null {
  let path: FlowField | null = null;
  for (const motion of motions) {
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
    return chainFlows(this.#after(frameIndex).map(({ motion }) => motion));
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
