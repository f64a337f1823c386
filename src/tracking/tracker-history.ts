import { sameSize, type Size } from '../frame/geometry.ts';
import { composeFlow } from './flow/compose.ts';
import { takeFlowField } from './flow/image.ts';
import { sceneCutThreshold } from './flow/scene-cut.ts';
import { giveBackPlane } from './flow/spare-planes.ts';
import { HeldMasks } from './held-masks.ts';
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

/**
 * Several steps as one, oldest first: their flow composed, the residual of the newest. Flow that had to
 * be composed is a new field, which the moment that takes it owns.
 */
export function joinSteps(steps: readonly Step[]): Step {
  const [only] = steps;
  if (only !== undefined && steps.length === 1) return only;
  const sceneCut = Math.max(0, ...steps.map((step) => step.sceneCut));
  const flow = chainFlows(
    steps.map(({ motion }) => motion),
    takeFlowField,
  );
  const residual = steps.findLast(({ motion }) => motion !== null)?.motion?.residual;
  const motion = flow === null || residual === undefined ? null : { flow, residual };
  return { motion, sceneCut };
}

/**
 * Backward flow over several motions, oldest first; null where nothing moved. That of a single motion is
 * its own; more are composed in a field that `take` gives.
 */
function chainFlows(
  motions: readonly (Motion | null)[],
  take: (grid: Size) => FlowField,
): FlowField | null {
  const [first, ...later] = motions.flatMap((motion) => motion?.flow ?? []);
  if (first === undefined) return null;
  let path = first;
  for (const step of later) {
    const longer = path === first ? take(step) : path;
    composeFlow(step, path, longer);
    path = longer;
  }
  return path;
}

/** The memory of a moment's flow: that of its steps, and what was composed of several. */
function planesOf({ motion, steps }: Moment): Set<Float32Array> {
  const motions = [motion, ...steps.map((step) => step.motion)].filter((held) => held !== null);
  return new Set(motions.flatMap(({ flow, residual }) => [flow.u, flow.v, residual]));
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

/**
 * The newest moments of a stream, oldest first: what corrections and asynchronous keyframes go back to.
 * Flow and masks of a moment are the history's from `put` on: when the moment goes, it gives the memory of
 * its flow back and frees that of its masks, but for what another moment has.
 */
export class TrackerHistory {
  readonly #mostFrames: number;
  readonly #moments: Moment[] = [];
  readonly #masks = new HeldMasks();
  /** What `pathTo` composes in. */
  #path: FlowField | null = null;

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
    const before = this.#moments[at];
    this.#masks.hold(moment.objects);
    if (before !== undefined) {
      this.#moments[at] = moment;
      this.#forget(before, planesOf(moment));
      return;
    }
    this.#moments.push(moment);
    if (this.#moments.length > this.#mostFrames) this.#forget(this.#moments.shift()!);
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

  /**
   * Composed flow from the newest frame back to an earlier one; null where nothing moved. Good until the
   * history is asked again or changes.
   */
  pathTo(frameIndex: number): FlowField | null {
    return chainFlows(
      this.#after(frameIndex).map(({ motion }) => motion),
      (grid) => this.#pathOf(grid),
    );
  }

  /** Forgets everything. */
  clear(): void {
    for (const moment of this.#moments.splice(0)) this.#forget(moment);
    this.#forgetPath();
  }

  /** @param keeps planes that another moment has */
  #forget(moment: Moment, keeps: ReadonlySet<Float32Array> = new Set()): void {
    for (const plane of planesOf(moment)) if (!keeps.has(plane)) giveBackPlane(plane);
    this.#masks.letGo(moment.objects);
  }

  #pathOf(grid: Size): FlowField {
    if (this.#path === null || !sameSize(this.#path, grid)) {
      this.#forgetPath();
      this.#path = takeFlowField(grid);
    }
    return this.#path;
  }

  #forgetPath(): void {
    if (this.#path !== null) for (const plane of [this.#path.u, this.#path.v]) giveBackPlane(plane);
    this.#path = null;
  }

  #after(frameIndex: number): Moment[] {
    const at = this.#moments.findIndex((moment) => moment.frame.index === frameIndex);
    return this.#moments.slice(at + 1);
  }
}
