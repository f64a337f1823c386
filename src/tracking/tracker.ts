import { sameSize, scaleBox, type Box } from '../frame/geometry.ts';
import type { MaskEvidence } from './confidence.ts';
import { deliverObjects, type DeliveredObject, type DeliveryOptions } from './deliver-objects.ts';
import { composeFlow } from './flow/compose-flow.ts';
import { createFlowField, createFlowImage, flowGrid, prepareFlowImage } from './flow/flow-image.ts';
import { carryObject } from './flow/object-motion.ts';
import { comparePictures } from './flow/photometric.ts';
import { createSceneCutDetector, sceneCutThreshold } from './flow/scene-cut.ts';
import type { FlowField, FlowImage } from './flow/types.ts';
import { warpSoftMask } from './flow/warp.ts';
import { emptySoftMask, modelMaskFromSoft, softMaskArea, softMaskBounds } from './model-mask.ts';
import { changeObject, moveObject, type CarryObject, type Motion } from './object-steps.ts';
import {
  createCropMemory,
  cutRefineCrop,
  refineWindow,
  type RefineCropMemory,
} from './refine-window.ts';
import { renderObjects, type ObjectOutput, type OutputOptions } from './render-objects.ts';
import {
  confidenceOf,
  evidenceOf,
  newTrackedObject,
  type TrackedObject,
} from './tracked-object.ts';
import type {
  AdvanceOptions,
  CropRequest,
  ObjectAction,
  PriorMask,
  SegmentedAction,
  StepEvidence,
  TrackerFrame,
  TrackerOptions,
} from './tracker-types.ts';

/** State after one frame. Objects and flow are immutable, so it holds references only. */
type Moment = {
  readonly frame: Omit<TrackerFrame, 'data'>;
  readonly motion: Motion | null;
  readonly sceneCut: number;
  readonly objects: ReadonlyMap<number, TrackedObject>;
};

/**
 * Carries the masks of one stream from frame to frame. Pure but for its own state: no clock, no
 * I/O; the same calls give the same bits. Lives in a worker thread.
 */
export class Tracker {
  readonly #options: TrackerOptions;
  readonly #cuts = createSceneCutDetector();
  /** One crop at a time of each object is on its way to the refiner. */
  readonly #cropMemory = new Map<number, RefineCropMemory>();
  #previous: FlowImage | null = null;
  #current: FlowImage | null = null;
  /** The frame that the calls after `advance` are about. */
  #frame: TrackerFrame | null = null;
  #objects = new Map<number, TrackedObject>();
  readonly #history: Moment[] = [];

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /**
   * Moves all masks onto the next frame. A frame that was seen before (a correction replays it)
   * reuses its flow, so that untouched objects come out bit for bit as before.
   */
  advance(frame: TrackerFrame, options: AdvanceOptions = { needMotion: false }): StepEvidence {
    const before = this.#frame;
    const known = this.#momentOf(frame.index);
    this.#prepare(frame, before !== null && sameSize(before.analysis, frame.analysis));
    const moves = options.needMotion || [...this.#objects.values()].some(({ area }) => area > 0);
    const fresh = known?.motion || !moves ? null : this.#motion(before);
    const motion = known?.motion ?? fresh?.motion ?? null;
    const sceneCut = known?.motion ? known.sceneCut : (fresh?.sceneCut ?? 0);
    this.#frame = frame;
    const usable = motion === null || sceneCut >= sceneCutThreshold ? null : motion;
    const moved = usable && { ...usable, carry: this.#carrier(usable.flow) };
    for (const [objectId, object] of this.#objects) {
      this.#objects.set(objectId, moveObject(object, frame, moved));
    }
    this.#remember(motion, sceneCut);
    const objects = [...this.#objects.values()].map((object) => ({
      objectId: object.objectId,
      visible: object.area > 0,
      confidence: confidenceOf(object, frame.timestampUs),
    }));
    const { cropsUnder = 0 } = options;
    const doubtful = objects.filter((one) => one.visible && one.confidence < cropsUnder);
    return { sceneCut, objects, crops: this.crops(doubtful.map(({ objectId }) => objectId)) };
  }

  /** Bounds of the named objects' masks in fractions of the picture; null where empty. */
  boxes(objectIds: readonly number[]): (Box | null)[] {
    return objectIds.map((objectId) => {
      const { soft } = this.#object(objectId);
      const bounds = softMaskBounds(soft);
      return bounds && scaleBox(bounds, soft.size, { width: 1, height: 1 });
    });
  }

  /** Dense prompts of the named objects on the current frame, in a region of it. */
  priors(objectIds: readonly number[], region: Box): PriorMask[] {
    return objectIds.map((objectId) => {
      const { soft } = this.#object(objectId);
      const [box = null] = this.boxes([objectId]);
      return { objectId, mask: modelMaskFromSoft(soft, this.#options.maskSide, region), box };
    });
  }

  /** Crops of the named objects for the refiner; objects without a mask are left out. */
  crops(objectIds: readonly number[]): CropRequest[] {
    const side = this.#options.cropSide;
    if (side === null) return [];
    return objectIds.flatMap((objectId) => {
      const object = this.#object(objectId);
      const window = refineWindow(object.soft);
      if (window === null) return [];
      const memory = this.#cropMemory.get(objectId) ?? createCropMemory(side);
      this.#cropMemory.set(objectId, memory);
      const cut = cutRefineCrop(this.#now(), object.soft, window, memory);
      this.#objects.set(objectId, { ...object, cut });
      return [{ objectId, ...memory, appearance: object.appearance }];
    });
  }

  /** Applies what the model, the refiner or the client said about the current frame. */
  apply(actions: readonly ObjectAction[]): void {
    for (const action of actions) {
      if (action.kind === 'removed') {
        this.#objects.delete(action.objectId);
        this.#cropMemory.delete(action.objectId);
      } else {
        const object = this.#object(action.objectId);
        const changed = changeObject(object, action, this.#now(), this.#options.maskSide);
        this.#objects.set(action.objectId, changed);
      }
    }
    this.#amend();
  }

  /**
   * Applies a keyframe that was started on an earlier frame: its masks are carried to the current
   * frame by composed flow. Returns false, and changes nothing, where a cut or the end of history
   * lies in between.
   */
  applyLate(frameIndex: number, actions: readonly SegmentedAction[]): boolean {
    const start = this.#history.findIndex((moment) => moment.frame.index === frameIndex);
    const then = this.#history[start];
    if (!then || this.#history.slice(start + 1).some(breaksMotion)) return false;
    if (!sameSize(then.frame.analysis, this.#now().analysis)) return false;
    const path = this.#pathFrom(start + 1);
    const origin = { ...this.#now(), ...then.frame };
    for (const action of actions) {
      const now = this.#objects.get(action.objectId);
      const before = then.objects.get(action.objectId);
      // What was said on a later frame is newer.
      if (!now || !before || (now.anchor?.frameIndex ?? 0) > frameIndex) continue;
      const made = changeObject(before, action, origin, this.#options.maskSide);
      const soft = path === null ? made.soft : warpSoftMask(made.soft, path);
      this.#objects.set(action.objectId, {
        ...made,
        soft,
        area: softMaskArea(soft),
        appearance: now.appearance,
        residualSum: Math.max(0, now.residualSum - before.residualSum),
        residualFrames: Math.max(0, now.residualFrames - before.residualFrames),
        travelPixels: Math.max(0, now.travelPixels - before.travelPixels),
      });
    }
    this.#amend();
    return true;
  }

  /** Masks of all objects on the current frame, by ascending id. */
  output(options: OutputOptions): ObjectOutput[] {
    const objects = [...this.#objects.values()].toSorted((a, b) => a.objectId - b.objectId);
    return renderObjects(objects, this.#now(), options);
  }

  /** Applies what the refiner said, then gives the masks in the form in which they are sent. */
  deliver(options: DeliveryOptions, refined: readonly ObjectAction[] = []): DeliveredObject[] {
    if (refined.length > 0) this.apply(refined);
    return deliverObjects(this.output(options), options.form);
  }

  /** What is known of each visible mask on the current frame; what confidence is fitted on. */
  evidence(): ReadonlyMap<number, MaskEvidence> {
    const visible = [...this.#objects.values()].filter(
      ({ area, given, anchor }) => area > 0 && given === null && anchor !== null,
    );
    const { timestampUs } = this.#now();
    return new Map(visible.map((object) => [object.objectId, evidenceOf(object, timestampUs)]));
  }

  /**
   * Goes back to the state after `frame`, or with null to that before the first one. The frames
   * after it are expected again, in order.
   */
  restore(frame: TrackerFrame | null): void {
    const moment = frame === null ? undefined : this.#momentOf(frame.index);
    this.#objects = new Map(moment?.objects ?? []);
    this.#frame = null;
    if (frame === null) return;
    this.#prepare(frame, false);
    this.#frame = frame;
  }

  /** Frees the flow engine; idempotent. */
  close(): void {
    this.#options.engine.close();
    this.#history.length = 0;
    this.#objects.clear();
  }

  /** Makes `frame` the current flow image and the one before it, if comparable, the previous. */
  #prepare(frame: TrackerFrame, comparable: boolean): void {
    const grid = flowGrid(frame.analysis, this.#options.flowLongSide);
    const spare = this.#previous;
    this.#previous = comparable ? this.#current : null;
    this.#current = spare !== null && sameSize(spare.grid, grid) ? spare : createFlowImage(grid);
    const pixels = frame.analysis.width * frame.analysis.height;
    prepareFlowImage(frame.data.subarray(0, pixels), frame.analysis, this.#current);
  }

  /** Not called where no mask would move: an object that is lost costs next to nothing. */
  #motion(before: TrackerFrame | null): { motion: Motion; sceneCut: number } | null {
    if (this.#previous === null || this.#current === null) return null;
    const flow = createFlowField(this.#current.grid);
    const initial = before === null ? null : this.#momentOf(before.index)?.motion?.flow;
    this.#options.engine.compute(this.#previous, this.#current, flow, initial ?? undefined);
    const residual = new Float32Array(flow.u.length);
    const evidence = comparePictures(this.#previous, this.#current, flow, residual);
    const sceneCut = this.#cuts.score(evidence);
    return { motion: { flow, residual }, sceneCut };
  }

  /** Carries each object's mask between the two prepared pictures, by its own motion. */
  #carrier(flow: FlowField): CarryObject {
    const previous = this.#previous;
    const current = this.#current;
    if (previous === null || current === null) return (mask) => warpSoftMask(mask, flow);
    return (mask) => carryObject({ mask, flow, previous, current });
  }

  #pathFrom(start: number): FlowField | null {
    let path: FlowField | null = null;
    for (const { motion } of this.#history.slice(start)) {
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

  #remember(motion: Motion | null, sceneCut: number): void {
    const { data: _pixels, ...frame } = this.#now();
    const moment = { frame, motion, sceneCut, objects: new Map(this.#objects) };
    const at = this.#history.findIndex((known) => known.frame.index === frame.index);
    if (at >= 0) {
      this.#history[at] = moment;
    } else {
      this.#history.push(moment);
      if (this.#history.length > this.#options.historyFrames) this.#history.shift();
    }
  }

  /** The moment of the current frame takes over what was changed on it. */
  #amend(): void {
    const at = this.#history.findIndex((moment) => moment.frame.index === this.#now().index);
    const moment = this.#history[at];
    if (moment) this.#history[at] = { ...moment, objects: new Map(this.#objects) };
  }

  #momentOf(frameIndex: number): Moment | undefined {
    return this.#history.find((moment) => moment.frame.index === frameIndex);
  }

  #object(objectId: number): TrackedObject {
    return (
      this.#objects.get(objectId) ?? newTrackedObject(objectId, emptySoftMask(this.#now().analysis))
    );
  }

  #now(): TrackerFrame {
    if (this.#frame === null) throw new Error('the tracker has no current frame yet');
    return this.#frame;
  }
}

/** Masks cannot be carried over a cut. */
function breaksMotion(moment: Moment): boolean {
  return moment.sceneCut >= sceneCutThreshold;
}
