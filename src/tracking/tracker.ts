import type { Box, Size } from '../frame/geometry.ts';
import type { Mask } from '../frame/mask.ts';
import { createFlowField, createFlowImage, flowGrid, prepareFlowImage } from './flow/flow-image.ts';
import { composeFlow } from './flow/compose-flow.ts';
import { summariseRegion } from './flow/flow-consistency.ts';
import { photometricResidual } from './flow/photometric.ts';
import { createSceneCutDetector, sceneCutThreshold } from './flow/scene-cut.ts';
import type { FlowEngine, FlowField, FlowImage } from './flow/types.ts';
import { warpSoftMask } from './flow/warp.ts';
import {
  emptySoftMask,
  modelMaskFromSoft,
  rescaleSoftMask,
  softMaskArea,
  softMaskBounds,
  softMaskFromLogits,
  softMaskFromMask,
} from './model-mask.ts';
import { renderObjects, type ObjectOutput, type OutputOptions } from './render-objects.ts';
import { cutRefineCrop, pasteRefined, refineWindow, type Picture } from './refine-window.ts';
import { softMaskIou } from './soft-mask-iou.ts';
import { confidenceOf, newTrackedObject, type TrackedObject } from './tracked-object.ts';

/** Masks smaller than this share of the picture are noise: the object counts as hidden. */
const minAreaRatio = 4e-5;

/** Residuals above this share of the grey range count as a changed pixel. */
const residualThreshold = 24;

/** What a {@link Tracker} needs to know of the model and the stream. */
export type TrackerOptions = {
  readonly engine: FlowEngine;
  /** Long side of the flow grid, in pixels. */
  readonly flowLongSide: number;
  /** Side of the decoder's square masks. */
  readonly maskSide: number;
  /** Side of the refiner's crop; null without a refiner. */
  readonly cropSide: number | null;
  /** Frames whose state is kept for corrections and late keyframes. */
  readonly historyFrames: number;
};

/** One picture for the tracker. */
export type TrackerFrame = Picture & {
  readonly index: number;
  readonly timestampUs: number;
  readonly display: Size;
};

/** What a step says of one object. */
export type ObjectEvidence = {
  readonly objectId: number;
  /** The mask has pixels. */
  readonly visible: boolean;
  readonly confidence: number;
};

/** Inputs of the refiner for one object. */
export type CropRequest = {
  readonly objectId: number;
  readonly crop: Float32Array<ArrayBuffer>;
  readonly prior: Float32Array<ArrayBuffer>;
  readonly appearance: Float32Array | null;
};

/** The decoder's dense prompt for one object: its propagated mask, and the box around it. */
export type PriorMask = {
  readonly objectId: number;
  readonly mask: Float32Array;
  /** Fractions of the picture; null where the mask is empty. */
  readonly box: Box | null;
};

/** Something that changes an object on the current frame. */
export type ObjectAction =
  | {
      readonly kind: 'segmented';
      readonly objectId: number;
      readonly logits: Float32Array;
      readonly predictedIou: number;
      readonly presence: number;
      /** The object is not there: its mask becomes empty. */
      readonly hidden: boolean;
    }
  | {
      readonly kind: 'refined';
      readonly objectId: number;
      readonly logits: Float32Array;
      readonly predictedIou: number;
    }
  | { readonly kind: 'appearance'; readonly objectId: number; readonly appearance: Float32Array }
  | { readonly kind: 'given'; readonly objectId: number; readonly mask: Mask }
  | { readonly kind: 'removed'; readonly objectId: number };

/** State after one frame. */
type Moment = {
  readonly frame: Omit<TrackerFrame, 'data' | 'analysis'>;
  readonly analysis: Size;
  readonly flow: FlowField | null;
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
  #previous: FlowImage | null = null;
  #current: FlowImage | null = null;
  #picture: TrackerFrame | null = null;
  #residual = new Float32Array(0);
  #objects: Map<number, TrackedObject> = new Map();
  #history: Moment[] = [];

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /**
   * Moves all masks onto the next frame. A frame that was seen before (a correction replays it)
   * reuses its flow, so that untouched objects come out bit for bit as before.
   */
  advance(frame: TrackerFrame): { sceneCut: number; objects: ObjectEvidence[] } {
    const known = this.#history.find((moment) => moment.frame.index === frame.index);
    const step = known ?? this.#flowTo(frame);
    this.#picture = frame;
    if (known) this.#replayPicture(frame);
    const { flow, sceneCut } = step;
    const cut = sceneCut >= sceneCutThreshold;
    for (const [objectId, object] of this.#objects) {
      this.#objects.set(objectId, this.#move(object, frame, cut ? null : flow));
    }
    this.#remember(frame, flow, sceneCut);
    return { sceneCut, objects: this.#evidence(frame.timestampUs) };
  }

  /** Dense prompts of the named objects on the current frame. */
  priors(objectIds: readonly number[]): PriorMask[] {
    return objectIds.map((objectId) => {
      const soft = this.#get(objectId).soft;
      const bounds = softMaskBounds(soft);
      const { width, height } = soft.size;
      const box = bounds && {
        x: bounds.x / width,
        y: bounds.y / height,
        width: bounds.width / width,
        height: bounds.height / height,
      };
      return { objectId, mask: modelMaskFromSoft(soft, this.#options.maskSide), box };
    });
  }

  /** Crops of the named objects for the refiner; objects without a mask are left out. */
  crops(objectIds: readonly number[]): CropRequest[] {
    const side = this.#options.cropSide;
    const picture = this.#picture;
    if (side === null || picture === null) return [];
    return objectIds.flatMap((objectId) => {
      const object = this.#get(objectId);
      const window = refineWindow(object.soft);
      if (window === null) return [];
      const cut = cutRefineCrop(picture, object.soft, window, side);
      this.#put({ ...object, cut });
      return [{ objectId, crop: cut.crop, prior: cut.prior, appearance: object.appearance }];
    });
  }

  /** Applies what the model, the refiner or the client said about the current frame. */
  apply(actions: readonly ObjectAction[]): void {
    const picture = this.#picture;
    if (picture === null) throw new Error('apply before the first frame');
    for (const action of actions) this.#applyOne(action, picture);
    this.#rewriteMoment();
  }

  /**
   * Applies a keyframe that was started on an earlier frame: its masks are carried to the current
   * frame by composed flow. A keyframe that history no longer reaches is dropped; says whether not.
   */
  applyLate(frameIndex: number, actions: readonly ObjectAction[]): boolean {
    const start = this.#history.findIndex((moment) => moment.frame.index === frameIndex);
    const then = this.#history[start];
    const picture = this.#picture;
    if (!then || picture === null) return false;
    const path = this.#composedFlow(start + 1);
    if (path === 'broken') return false;
    const origin = { ...then.frame, analysis: then.analysis, data: picture.data };
    for (const action of actions) {
      const now = this.#objects.get(action.objectId);
      const before = then.objects.get(action.objectId);
      if (!now || !before) continue;
      const made = this.#changed(before, action, origin);
      const soft = path === null ? made.soft : warpSoftMask(made.soft, path);
      const moved = { ...made, soft, area: softMaskArea(soft), given: null };
      this.#put({
        ...moved,
        appearance: made.appearance ?? now.appearance,
        residualSum: now.residualSum - before.residualSum,
        residualFrames: now.residualFrames - before.residualFrames,
        travelPixels: now.travelPixels - before.travelPixels,
      });
    }
    this.#rewriteMoment();
    return true;
  }

  /** Masks of all objects on the current frame, by ascending id. */
  output(options: OutputOptions): ObjectOutput[] {
    const picture = this.#picture;
    if (picture === null) return [];
    const objects = [...this.#objects.values()].sort((a, b) => a.objectId - b.objectId);
    return renderObjects(objects, picture, { ...options, maskSide: this.#options.maskSide });
  }

  /**
   * Goes back to the state after `frameIndex`; later frames are expected again, in order.
   *
   * @param picture that frame's pixels; -1 and null for the state before the first frame
   */
  restore(frameIndex: number): void {
    const moment = this.#history.find((candidate) => candidate.frame.index === frameIndex);
    this.#objects = new Map(moment?.objects ?? []);
    this.#picture = null;
  }

  /** Frees the flow engine; idempotent. */
  close(): void {
    this.#options.engine.close();
    this.#history = [];
    this.#objects.clear();
  }

  #flowTo(frame: TrackerFrame): { flow: FlowField | null; sceneCut: number } {
    const grid = flowGrid(frame.analysis, this.#options.flowLongSide);
    const last = this.#history.at(-1);
    const sameSize = last !== undefined && sameSizeAs(last.analysis, frame.analysis);
    const spare = this.#previous;
    this.#previous = sameSize ? this.#current : null;
    this.#current = spare && sameSizeAs(spare.grid, grid) ? spare : createFlowImage(grid);
    prepareFlowImage(
      frame.data.subarray(0, frame.analysis.width * frame.analysis.height),
      frame.analysis,
      this.#current,
    );
    // Without a mask to move there is nothing that flow could help: a lost object costs nothing.
    if (this.#previous === null || !this.#anyVisible()) return { flow: null, sceneCut: 0 };
    const flow = createFlowField(grid);
    this.#options.engine.compute(this.#previous, this.#current, flow, last?.flow ?? undefined);
    if (this.#residual.length !== flow.u.length) this.#residual = new Float32Array(flow.u.length);
    photometricResidual(this.#previous, this.#current, flow, this.#residual);
    return { flow, sceneCut: this.#cuts.score(this.#previous, this.#current, flow) };
  }

  /** A replayed picture must be the previous one of the first frame after the replay. */
  #replayPicture(frame: TrackerFrame): void {
    if (this.#current === null) return;
    prepareFlowImage(
      frame.data.subarray(0, frame.analysis.width * frame.analysis.height),
      frame.analysis,
      this.#current,
    );
  }

  #anyVisible(): boolean {
    for (const object of this.#objects.values()) if (object.area > 0) return true;
    return false;
  }

  #move(object: TrackedObject, frame: TrackerFrame, flow: FlowField | null): TrackedObject {
    if (object.area === 0 && object.given === null) return { ...object, cut: null };
    if (!sameSizeAs(object.soft.size, frame.analysis)) {
      const soft = rescaleSoftMask(object.soft, frame.analysis);
      return { ...object, soft, area: softMaskArea(soft), given: null, cut: null };
    }
    if (flow === null) return { ...object, given: null, cut: null };
    const soft = warpSoftMask(object.soft, flow);
    const area = softMaskArea(soft);
    if (area < minAreaRatio * frame.analysis.width * frame.analysis.height) {
      return { ...object, soft: emptySoftMask(frame.analysis), area: 0, given: null, cut: null };
    }
    const residual = summariseRegion(this.#residual, flow, soft, residualThreshold);
    const scale = frame.analysis.width / flow.width;
    return {
      ...object,
      soft,
      area,
      given: null,
      cut: null,
      residualSum: object.residualSum + residual.mean / 255,
      residualFrames: object.residualFrames + 1,
      travelPixels: object.travelPixels + meanMotion(flow, soft, scale),
    };
  }

  #applyOne(action: ObjectAction, picture: TrackerFrame): void {
    if (action.kind === 'removed') {
      this.#objects.delete(action.objectId);
      return;
    }
    const object =
      this.#objects.get(action.objectId) ??
      newTrackedObject(action.objectId, emptySoftMask(picture.analysis));
    this.#put(this.#changed(object, action, picture));
  }

  #changed(object: TrackedObject, action: ObjectAction, frame: TrackerFrame): TrackedObject {
    switch (action.kind) {
      case 'segmented': {
        const found = softMaskFromLogits(action.logits, this.#options.maskSide, frame.analysis);
        const tooSmall =
          softMaskArea(found) < minAreaRatio * frame.analysis.width * frame.analysis.height;
        const soft = action.hidden || tooSmall ? emptySoftMask(frame.analysis) : found;
        const agreementIou = object.area === 0 ? null : softMaskIou(object.soft, soft);
        return anchored(object, soft, frame, {
          predictedIou: action.predictedIou,
          agreementIou,
          presence: action.presence,
        });
      }
      case 'given': {
        const soft = softMaskFromMask(action.mask, frame.analysis);
        const made = anchored(object, soft, frame, {
          predictedIou: null,
          agreementIou: null,
          presence: 1,
        });
        return { ...made, given: action.mask };
      }
      case 'refined': {
        if (object.cut === null) return object;
        const soft = pasteRefined(object.soft, object.cut, action.logits);
        const area = softMaskArea(soft);
        return { ...object, soft, area, cut: null, refinedIou: action.predictedIou };
      }
      case 'appearance':
        return { ...object, appearance: action.appearance, cut: null };
      case 'removed':
        return object;
    }
  }

  #evidence(timestampUs: number): ObjectEvidence[] {
    return [...this.#objects.values()].map((object) => ({
      objectId: object.objectId,
      visible: object.area > 0,
      confidence: confidenceOf(object, timestampUs),
    }));
  }

  #composedFlow(from: number): FlowField | null | 'broken' {
    let path: FlowField | null = null;
    for (const moment of this.#history.slice(from)) {
      if (moment.sceneCut >= sceneCutThreshold) return 'broken';
      if (moment.flow === null) continue;
      if (path === null) {
        path = moment.flow;
        continue;
      }
      const next = createFlowField(moment.flow);
      composeFlow(moment.flow, path, next);
      path = next;
    }
    return path;
  }

  #remember(frame: TrackerFrame, flow: FlowField | null, sceneCut: number): void {
    const moment: Moment = {
      frame: { index: frame.index, timestampUs: frame.timestampUs, display: frame.display },
      analysis: frame.analysis,
      flow,
      sceneCut,
      objects: new Map(this.#objects),
    };
    const at = this.#history.findIndex((known) => known.frame.index === frame.index);
    if (at >= 0) {
      this.#history[at] = moment;
      return;
    }
    this.#history.push(moment);
    if (this.#history.length > this.#options.historyFrames) this.#history.shift();
  }

  /** The current moment of history takes over what the actions changed. */
  #rewriteMoment(): void {
    const index = this.#picture?.index;
    const at = this.#history.findIndex((moment) => moment.frame.index === index);
    const moment = this.#history[at];
    if (moment) this.#history[at] = { ...moment, objects: new Map(this.#objects) };
  }

  #get(objectId: number): TrackedObject {
    const object = this.#objects.get(objectId);
    if (object) return object;
    const analysis = this.#picture?.analysis ?? { width: 0, height: 0 };
    return newTrackedObject(objectId, emptySoftMask(analysis));
  }

  #put(object: TrackedObject): void {
    this.#objects.set(object.objectId, object);
  }
}

/** An object whose mask starts anew from a keyframe. */
function anchored(
  object: TrackedObject,
  soft: TrackedObject['soft'],
  frame: TrackerFrame,
  anchor: { predictedIou: number | null; agreementIou: number | null; presence: number },
): TrackedObject {
  const area = softMaskArea(soft);
  return {
    ...object,
    soft,
    area,
    given: null,
    cut: null,
    refinedIou: null,
    residualSum: 0,
    residualFrames: 0,
    travelPixels: 0,
    anchor: { ...anchor, frameIndex: frame.index, timestampUs: frame.timestampUs, area },
  };
}

/** Length of the mean flow under a mask, in analysis pixels. */
function meanMotion(flow: FlowField, mask: TrackedObject['soft'], scale: number): number {
  const u = summariseRegion(flow.u, flow, mask, Number.POSITIVE_INFINITY).mean;
  const v = summariseRegion(flow.v, flow, mask, Number.POSITIVE_INFINITY).mean;
  return Math.hypot(u, v) * scale;
}

function sameSizeAs(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}
