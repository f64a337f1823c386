import { freeMemory } from '../frame/free-memory.ts';
import { sameSize, type Box } from '../frame/geometry.ts';
import { sampleColours, type ColourSamples } from './object/colour-histogram.ts';
import type { MaskEvidence } from './object/confidence.ts';
import { deliverObjects } from './object/deliver.ts';
import { doubtVanishing } from './object/doubt-vanishing.ts';
import type {
  DeliveredObject,
  DeliveryOptions,
  ObjectOutput,
  OutputOptions,
} from './delivery-types.ts';
import { takeFlowField } from './flow/image.ts';
import { carryObject } from './mask/object-motion.ts';
import { comparePictures } from './flow/photometric.ts';
import { PicturePair } from './flow/picture-pair.ts';
import { createSceneCutDetector, sceneCutThreshold } from './flow/scene-cut.ts';
import { takePlane } from './flow/spare-planes.ts';
import type { FlowField } from './flow/types.ts';
import { warpSoftMask } from './mask/warp.ts';
import { claimedRatio } from './mask/claimed-ratio.ts';
import { emptySoftMask, modelMaskFromSoft, softMaskFromLogits } from './mask/model-mask.ts';
import {
  carryKeyframe,
  changeObject,
  judgeMissing,
  moveObject,
  withHistogram,
  type CarryObject,
} from './object/steps.ts';
import type { ColouredFrame } from './object/redetection.ts';
import { rejectUnlike } from './object/reject-unlike.ts';
import { mayRefine } from './object/refine-dead-zone.ts';
import {
  createCropMemory,
  cutRefineCrop,
  refineWindow,
  type RefineCropMemory,
} from './mask/refine-window.ts';
import { renderObjects } from './object/render.ts';
import {
  boundsOf,
  evidenceOf,
  isMissing,
  newTrackedObject,
  objectEvidence,
  redetectionOf,
  type TrackedObject,
} from './object/tracked-object.ts';
import { planObjects, type PlanRequest, type TrackerPlan } from './keyframe-plan.ts';
import { joinSteps, TrackerHistory, type Step } from './tracker-history.ts';
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

/**
 * Carries the masks of one stream from frame to frame. Pure but for its own state: no clock, no
 * I/O; the same calls give the same bits. Lives in a worker thread.
 */
export class Tracker {
  readonly #options: TrackerOptions;
  readonly #cuts = createSceneCutDetector();
  /** One crop at a time of each object is on its way to the refiner. */
  readonly #cropMemory = new Map<number, RefineCropMemory>();
  /** The frame that the calls after `advance` are about. */
  #frame: TrackerFrame | null = null;
  /** Colours of the current frame; null until they are asked for. */
  #samples: ColourSamples | null = null;
  #objects = new Map<number, TrackedObject>();
  readonly #pictures: PicturePair;
  readonly #history: TrackerHistory;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#pictures = new PicturePair(options.flowLongSide);
    this.#history = new TrackerHistory(options.historyFrames);
  }

  /**
   * Moves all masks onto the next frame, over the frames of `options.bridge`. A frame that was seen
   * before (a correction replays it) reuses its flow, so that untouched objects come out bit for bit
   * as before.
   */
  advance(frame: TrackerFrame, options: AdvanceOptions = { needMotion: false }): StepEvidence {
    const moves = options.needMotion || [...this.#objects.values()].some(({ area }) => area > 0);
    const path = moves ? [...(options.bridge ?? []), frame] : [frame];
    const seen = this.#history.at(frame.index)?.steps ?? [];
    const known = seen.length === path.length ? seen : [];
    const steps: Step[] = [];
    for (const [i, next] of path.entries()) {
      steps.push(this.#step(next, { known: known[i], last: steps.at(-1), moves }));
    }
    for (const [objectId, moved] of this.#objects) {
      const missing = isMissing(moved, frame.timestampUs);
      const next = missing ? judgeMissing(moved, this.#colours()) : { ...moved, redetection: null };
      this.#objects.set(objectId, next);
    }
    const sceneCut = this.#remember(steps);
    const objects = [...this.#objects.values()].map((object) =>
      objectEvidence(object, frame.timestampUs),
    );
    const { cropsUnder = 0, deliver } = options;
    const doubtful = objects.flatMap(({ objectId, visible, confidence }) =>
      visible && confidence < cropsUnder && mayRefine(this.#object(objectId).nonRigidSum)
        ? [objectId]
        : [],
    );
    const crops = this.crops(doubtful);
    const isDone = deliver !== undefined && crops.length === 0;
    return { sceneCut, objects, crops, delivered: isDone ? this.deliver(deliver) : null };
  }

  /**
   * What a keyframe on the current frame asks the model: about which of the named objects, in which
   * region, with which dense prompts. One call, since each costs a change of threads.
   */
  plan(request: PlanRequest): TrackerPlan {
    return planObjects(request, {
      boundsOf: (objectId) => boundsOf(this.#object(objectId)),
      redetectionOf: (objectId) => redetectionOf(this.#object(objectId)),
      priorIn: (region, objectId) => this.prior(objectId, region),
    });
  }

  /** Dense prompt of an object on the current frame, in a region of it. */
  prior(objectId: number, region: Box): PriorMask {
    const object = this.#object(objectId);
    const mask = modelMaskFromSoft(object.soft, this.#options.maskSide, region);
    return { objectId, mask, box: boundsOf(object) };
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

  /**
   * Applies what the model, the refiner or the client said about the current frame. Returns the
   * objects for which the model took something else, alone or too; see `rejectUnlike`.
   */
  apply(actions: readonly ObjectAction[]): number[] {
    const mistaken: number[] = [];
    for (const action of actions) {
      if (action.kind === 'removed') {
        this.#objects.delete(action.objectId);
        this.#cropMemory.delete(action.objectId);
      } else {
        const object = this.#object(action.objectId);
        this.#objects.set(action.objectId, this.#changed(object, action, mistaken));
      }
    }
    this.#history.amend(this.#now().index, this.#objects);
    return mistaken;
  }

  /**
   * Applies an asynchronous keyframe, started on an earlier frame: its masks are carried to the current
   * frame by composed flow. Returns null, and changes nothing, where a cut or the end of history
   * lies in between; else what `apply` returns.
   *
   * @param newIds objects that it makes; others that are not there any more stay away
   */
  applyAsyncKeyframe(
    frameIndex: number,
    actions: readonly SegmentedAction[],
    newIds: readonly number[] = [],
  ): number[] | null {
    const then = this.#history.at(frameIndex);
    if (!then || this.#history.hasCutAfter(frameIndex)) return null;
    if (!sameSize(then.frame.analysis, this.#now().analysis)) return null;
    const path = this.#history.pathTo(frameIndex);
    const origin = { ...this.#now(), ...then.frame };
    const mistaken: number[] = [];
    for (const action of actions) {
      const created = newIds.includes(action.objectId) ? this.#object(action.objectId) : undefined;
      const now = this.#objects.get(action.objectId) ?? created;
      const before = then.objects.get(action.objectId) ?? created;
      // What was said on a later frame is newer.
      if (!now || !before || (now.sourceKeyframe?.frameIndex ?? 0) > frameIndex) continue;
      // The pixels of that frame are gone; their colours are not known.
      const { maskSide } = this.#options;
      const colours = this.#colours();
      const said = doubtVanishing(action, { before, now }, { ...colours, maskSide });
      const made = changeObject(before, said, origin, { maskSide, samples: null });
      const carried = carryKeyframe(made, { before, now, path });
      const like = rejectUnlike(carried, before, action, colours);
      if (like !== carried) mistaken.push(action.objectId);
      this.#objects.set(action.objectId, withHistogram(like, action, colours.samples));
    }
    this.#history.amend(this.#now().index, this.#objects);
    return mistaken;
  }

  /**
   * Shares of masks that the model made on a frame which the named objects claim there, or masks
   * before them in the list; 1 for an empty one. A frame that is not held any more has no objects.
   */
  claimedRatios(
    frameIndex: number,
    actions: readonly SegmentedAction[],
    objectIds: readonly number[],
  ): number[] {
    const then = this.#history.at(frameIndex);
    const { analysis } = then?.frame ?? this.#now();
    const others = objectIds.flatMap((objectId) => then?.objects.get(objectId)?.soft ?? []);
    return actions.map(({ logits, region }) => {
      const mask = softMaskFromLogits(logits, this.#options.maskSide, analysis, region);
      const ratio = claimedRatio(mask, others);
      others.push(mask);
      return ratio;
    });
  }

  /** Masks of all objects on the current frame, by ascending id. */
  output(options: OutputOptions): ObjectOutput[] {
    const objects = [...this.#objects.values()].toSorted((a, b) => a.objectId - b.objectId);
    const { display, timestampUs } = this.#now();
    const samples = (): ColourSamples => this.#colours().samples;
    return renderObjects(objects, { display, timestampUs, samples }, options);
  }

  /** Applies what the refiner said, then gives the masks in the form in which they are sent. */
  deliver(options: DeliveryOptions, refined: readonly ObjectAction[] = []): DeliveredObject[] {
    if (refined.length > 0) this.apply(refined);
    const outputs = this.output(options);
    const delivered = deliverObjects(outputs, options.form);
    if (options.form !== 'pixels') for (const { mask } of outputs) freeMemory(mask.bits);
    return delivered;
  }

  /** What is known of each visible mask on the current frame; what confidence is fitted on. */
  evidence(): ReadonlyMap<number, MaskEvidence> {
    const visible = [...this.#objects.values()].filter(
      ({ area, given, sourceKeyframe }) => area > 0 && given === null && sourceKeyframe !== null,
    );
    const { timestampUs } = this.#now();
    return new Map(visible.map((object) => [object.objectId, evidenceOf(object, timestampUs)]));
  }

  /**
   * Goes back to the state after `frame`, or with null to that before the first one. The frames
   * after it are expected again, in order.
   */
  restore(frame: TrackerFrame | null): void {
    const moment = frame === null ? undefined : this.#history.at(frame.index);
    this.#objects = new Map(moment?.objects ?? []);
    this.#samples = null;
    this.#frame = null;
    if (frame === null) return;
    this.#pictures.prepare(frame, false);
    this.#frame = frame;
  }

  /** Frees the flow engine and gives the memory of flow and masks back; idempotent. */
  close(): void {
    this.#options.engine.close();
    this.#history.clear();
    this.#objects.clear();
    this.#pictures.close();
  }

  /** Not called where no mask would move: an object that is lost costs next to nothing. */
  #motion(initial: FlowField | undefined): Step | null {
    const { previous, current } = this.#pictures;
    if (previous === null || current === null) return null;
    const flow = takeFlowField(current.grid);
    this.#options.engine.compute(previous, current, flow, initial);
    const residual = takePlane(flow.u.length);
    const evidence = comparePictures(previous, current, flow, residual);
    const sceneCut = this.#cuts.score(evidence);
    return { motion: { flow, residual }, sceneCut };
  }

  /** Carries each object's mask between the two prepared pictures, by its own motion. */
  #carrier(flow: FlowField): CarryObject {
    const { previous, current } = this.#pictures;
    if (previous === null || current === null) return (mask) => warpSoftMask(mask, flow);
    return (mask) => carryObject({ mask, flow, previous, current });
  }

  /** Moves all masks onto the next picture; how it came from the one before. */
  #step(
    frame: TrackerFrame,
    given: {
      readonly known: Step | undefined;
      readonly last: Step | undefined;
      readonly moves: boolean;
    },
  ): Step {
    const before = this.#frame;
    const initial = given.last ?? (before && this.#history.at(before.index)?.steps.at(-1));
    this.#pictures.prepare(frame, before !== null && sameSize(before.analysis, frame.analysis));
    const fresh = given.known?.motion || !given.moves ? null : this.#motion(initial?.motion?.flow);
    const step = given.known?.motion ? given.known : (fresh ?? { motion: null, sceneCut: 0 });
    this.#frame = frame;
    this.#samples = null;
    const { motion, sceneCut } = step;
    const isCut = motion !== null && sceneCut >= sceneCutThreshold;
    const usable = motion && { ...motion, carry: this.#carrier(motion.flow) };
    for (const [objectId, object] of this.#objects) {
      this.#objects.set(objectId, moveObject(object, frame, isCut ? 'cut' : usable));
    }
    return step;
  }

  /** Keeps the state after the frame that these steps led to; how likely a cut lies on them, 0..1. */
  #remember(steps: readonly Step[]): number {
    const { data: _pixels, ...frame } = this.#now();
    const { motion, sceneCut } = joinSteps(steps);
    this.#history.put({ frame, motion, sceneCut, steps, objects: new Map(this.#objects) });
    return sceneCut;
  }

  #changed(
    object: TrackedObject,
    action: Exclude<ObjectAction, { kind: 'removed' }>,
    mistaken: number[],
  ): TrackedObject {
    const { maskSide } = this.#options;
    if (action.kind !== 'segmented' && action.kind !== 'given') {
      return changeObject(object, action, this.#now(), { maskSide, samples: null });
    }
    const colours = this.#colours();
    const { samples } = colours;
    const said = doubtVanishing(action, { before: object, now: object }, { samples, maskSide });
    const changed = changeObject(object, said, this.#now(), { maskSide, samples });
    const like = rejectUnlike(changed, object, action, colours);
    if (like !== changed) mistaken.push(object.objectId);
    return withHistogram(like, action, samples);
  }

  /** Colours of the current frame, read once. */
  #colours(): ColouredFrame {
    const frame = this.#now();
    const { index, timestampUs } = frame;
    this.#samples ??= sampleColours(frame);
    return { index, timestampUs, samples: this.#samples };
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
