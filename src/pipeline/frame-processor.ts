import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import { fitLongSide, wholePicture } from '../frame/geometry.ts';
import type { KeyframeReason } from '../frame/prompt.ts';
import { decideFrame, type FrameDecision } from './keyframe/policy.ts';
import { memoryOf } from './prompts/object-record.ts';
import type { DeliveredObject, DeliveryOptions } from '../tracking/delivery-types.ts';
import type { ObjectAction, StepEvidence } from '../tracking/tracker-types.ts';
import { applyPrompts, type PromptedFrame } from './prompts/apply-prompts.ts';
import { PrefetchedFeatures } from './keyframe/prefetch.ts';
import { FeatureBank, type FeatureName } from './keyframe/feature-bank.ts';
import { frameEvidence, objectResults, observeOutputs, sourceOf } from './frame-outcome.ts';
import {
  initialState,
  positionOf,
  trackerFrame,
  type FrameTask,
  type ProcessedFrame,
  type StreamState,
} from './frame-task.ts';
import { rememberMasks, segmentedMasks, type KeyframeMasks } from './keyframe/memory.ts';
import { segmentObjects } from './keyframe/segment.ts';
import { encodeInto, type KeyframeContext } from './keyframe/encode.ts';
import { givenMasks, planKeyframe } from './keyframe/plan.ts';
import { AsyncKeyframe } from './keyframe/async-keyframe.ts';
import { KeyframeBudget } from './keyframe/budget.ts';
import { LivePace } from './live-pace.ts';
import { RefineStage, visibleObjects } from './refine-stage.ts';
import type { SessionOptions, SessionParts } from './session-types.ts';
import { StageClock } from './stage-clock.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** Encoder runs so far: those whose result was used, and all. */
export type KeyframeCounts = { readonly keyframes: number; readonly encoderRuns: number };

const propagated: FrameDecision = { kind: 'propagate' };

/**
 * Takes one frame after the other from pixels and prompts to masks: moves the masks, decides,
 * segments or refines, and delivers. One per stream; calls must not overlap.
 */
export class FrameProcessor {
  readonly #options: SessionOptions;
  readonly #parts: SessionParts;
  readonly #tracker: TrackerHandle;
  readonly #refiner: RefineStage;
  readonly #bank = new FeatureBank();
  readonly #prefetched = new PrefetchedFeatures();
  /** Null in EVERY_FRAME, where nothing depends on time. */
  readonly #pace: LivePace | null;
  #asyncKeyframe: AsyncKeyframe | null = null;
  /** Overlapped runs that are not over, also those that nobody wants any more. */
  readonly #asyncRuns = new Set<Promise<unknown>>();
  #state: StreamState = initialState;
  #keyframes = 0;
  #encoderRuns = 0;

  constructor(options: SessionOptions, parts: SessionParts, tracker: TrackerHandle) {
    this.#options = options;
    this.#parts = parts;
    this.#tracker = tracker;
    const { budget = new KeyframeBudget(parts.nowMs), nowMs } = parts;
    this.#refiner = new RefineStage({ ...parts, tracker, signal: options.signal });
    this.#pace = options.delivery === 'latest' ? new LivePace(budget, nowMs) : null;
  }

  /** Encoder runs so far. */
  get counts(): KeyframeCounts {
    return { keyframes: this.#keyframes, encoderRuns: this.#encoderRuns };
  }

  /** Processes the next frame. The caller still owns the frame. */
  async process(task: FrameTask): Promise<ProcessedFrame> {
    const clock = new StageClock(this.#parts.nowMs);
    clock.since('queue', task.queuedAtMs);
    this.#pace?.begin(task);
    const frame = trackerFrame(task.frame);
    const cropsUnder = this.#pace?.mayRefine(task) === false ? 0 : this.#refiner.maxConfidence;
    const step = {
      needMotion: this.#asyncKeyframe !== null,
      cropsUnder,
      ...this.#mayEndWithStep(task),
    };
    const evidence = await clock.time('propagate', () =>
      this.#tracker.call('advance', frame, step),
    );
    const carried = await this.#carryAsyncKeyframe(clock);
    const prompted = await this.#applyPrompts(task, clock);
    const decision = this.#decide(task, evidence, prompted);
    const segmented =
      decision.kind === 'segment' && (await this.#segment(task.frame, decision, prompted, clock));
    const refines = !segmented && (this.#pace?.mayRefine(task) ?? true);
    const refined = refines ? await this.#refine(evidence, carried, clock) : [];
    const done = segmented || carried || refined.length > 0 ? null : evidence.delivered;
    const outputs = done ?? (await clock.time('output', () => this.#deliver(task.frame, refined)));
    const { lostAfterUs } = this.#options.limits;
    const seen = { timestampUs: task.frame.timestampUs, lostAfterUs };
    this.#state = {
      ...this.#state,
      records: observeOutputs(this.#state.records, outputs, seen),
    };
    this.#prefetched.discard(task.frame.index);
    clock.since('total', task.queuedAtMs);
    this.#pace?.end(task);
    return {
      state: this.#state,
      outcomes: prompted.outcomes,
      result: {
        ...positionOf(task),
        ...sourceOf(segmented ? decision : propagated, task, this.#state),
        timings: clock.read(),
        objects: objectResults(outputs, this.#state.records),
      },
    };
  }

  /**
   * Starts the image encoder on a frame whose turn has not come, if it is known to be a keyframe:
   * under a fixed interval, once the first prompt is in. The result is the same to the bit.
   */
  prefetch(frame: Frame): void {
    const { keyframes, signal } = this.#options;
    const start = this.#state.firstPromptFrame;
    // What is around the objects is known only when their masks have arrived there.
    if (this.#parts.segmenter.info.tracking.regionScale !== null) return;
    if (keyframes.kind !== 'fixed' || start === null || this.#state.records.size === 0) return;
    if ((frame.index - start) % keyframes.intervalFrames !== 0) return;
    this.#encoderRuns++;
    this.#prefetched.start(frame, (held) => this.#parts.segmenter.encode(held, signal));
  }

  /** Goes back to `state`, that after `frame` (null: before the first), to process later ones again. */
  async restore(frame: Frame | null, state: StreamState): Promise<void> {
    this.#abandonAsyncKeyframe();
    this.#state = state;
    await this.#tracker.call('restore', frame === null ? null : trackerFrame(frame));
  }

  /** Closes features that neither the newest state nor a held one may still compare with. */
  releaseFeatures(heldStates: Iterable<StreamState>): void {
    const needed: FeatureName[] = [...(this.#asyncKeyframe?.features ?? [])];
    for (const state of [this.#state, ...heldStates]) {
      for (const record of state.records.values()) {
        needed.push(...memoryOf(record));
      }
    }
    this.#bank.keepOnly(needed);
  }

  /** Gives up what is in work and frees all features; resolves when no run holds a frame. */
  async close(): Promise<void> {
    this.#abandonAsyncKeyframe();
    this.#pace?.endKeyframe();
    this.#bank.close();
    await Promise.all([this.#prefetched.close(), ...this.#asyncRuns]);
  }

  #abandonAsyncKeyframe(): void {
    this.#asyncKeyframe?.abandon();
    this.#asyncKeyframe = null;
  }

  async #applyPrompts(task: FrameTask, clock: StageClock): Promise<PromptedFrame> {
    const { frame } = task;
    const prompted = await applyPrompts(task.updates, {
      records: this.#state.records,
      frame,
      maxClicks: this.#parts.segmenter.info.maxClicks,
      findText: async (query) => {
        const features = await encodeInto(this.#context(clock), frame, wholePicture);
        const { signal } = this.#options;
        return await this.#parts.segmenter.findText(features, { ...query, frame }, signal);
      },
    });
    this.#state = { ...this.#state, records: prompted.records };
    if (prompted.actions.length > 0) await this.#tracker.call('apply', prompted.actions);
    return prompted;
  }

  #decide(task: FrameTask, evidence: StepEvidence, prompted: PromptedFrame): FrameDecision {
    const known = frameEvidence(task, evidence, {
      state: this.#state,
      prompted: prompted.asked.size > 0,
    });
    const decision = decideFrame(known, this.#options.keyframes);
    if (decision.kind === 'propagate') return decision;
    if (decision.reason === 'interval' || decision.reason === 'low-confidence') {
      if (this.#asyncKeyframe !== null) return propagated;
      return (this.#pace?.tryBeginKeyframe() ?? true) ? decision : propagated;
    }
    // What is under way is out of date: newer prompts, or pictures that its masks cannot be
    // carried over.
    this.#abandonAsyncKeyframe();
    return decision;
  }

  /**
   * Runs the model on this frame; or, in LATEST, starts it and lets later frames leave meanwhile.
   * A prompt is always answered on its own frame.
   *
   * @returns whether the result is in this frame's masks
   */
  async #segment(
    frame: Frame,
    decision: { readonly reason: KeyframeReason },
    prompted: PromptedFrame,
    clock: StageClock,
  ): Promise<boolean> {
    const { region, objects } = await planKeyframe(this.#tracker, {
      frame,
      records: [...this.#state.records.values()],
      prompted,
      regionScale: this.#parts.segmenter.info.tracking.regionScale,
    });
    const first = decision.reason === 'prompt' ? frame.index : null;
    this.#state = {
      ...this.#state,
      lastKeyframe: frame.index,
      firstPromptFrame: this.#state.firstPromptFrame ?? first,
    };
    if (this.#options.delivery === 'latest' && decision.reason !== 'prompt') {
      const context = this.#context(new StageClock(this.#parts.nowMs));
      this.#asyncKeyframe = new AsyncKeyframe(frame, objects, context);
      const over = this.#asyncKeyframe.over.finally(() => {
        this.#pace?.endKeyframe();
        this.#asyncRuns.delete(over);
      });
      this.#asyncRuns.add(over);
      return false;
    }
    const context = this.#context(clock);
    const actions = await segmentObjects(context, frame, objects);
    await this.#tracker.call('apply', actions);
    const appearances = await this.#refiner.learn([...this.#state.records.keys()], clock);
    if (appearances.length > 0) await this.#tracker.call('apply', appearances);
    const masks = new Map(segmentedMasks(actions));
    if (prompted.given.size > 0) {
      await encodeInto(context, frame, region);
      const given = await givenMasks(this.#tracker, [...prompted.given], region);
      for (const [objectId, mask] of given) masks.set(objectId, mask);
    }
    this.#remember(frame.index, masks, prompted.asked);
    this.#keyframes++;
    this.#state = { ...this.#state, sourceKeyframe: frame.index };
    return true;
  }

  #remember(frameIndex: number, masks: KeyframeMasks, asked: ReadonlySet<number>): void {
    const { records } = this.#state;
    const { info } = this.#parts.segmenter;
    this.#state = {
      ...this.#state,
      records: rememberMasks(records, { frameIndex, masks, asked }, info),
    };
  }

  /** Pulls doubtful masks back to the edge; after an asynchronous keyframe learns the new appearance instead. */
  async #refine(
    evidence: StepEvidence,
    carried: boolean,
    clock: StageClock,
  ): Promise<readonly ObjectAction[]> {
    if (carried) return await this.#refiner.learn(visibleObjects(evidence), clock);
    const crops = evidence.crops.filter(({ objectId }) => this.#state.records.has(objectId));
    const refine = () => this.#refiner.refine(crops, clock);
    if (crops.length === 0 || this.#pace === null) return await refine();
    return await this.#pace.whileRefining(refine);
  }

  /** Applies an overlapped keyframe whose result has come; says whether it could be used. */
  async #carryAsyncKeyframe(clock: StageClock): Promise<boolean> {
    const asyncKeyframe = this.#asyncKeyframe;
    const done = asyncKeyframe?.take();
    if (!asyncKeyframe || !done) return false;
    this.#asyncKeyframe = null;
    if (done.kind === 'failed') throw SegmentationError.from(done.reason);
    const alive = done.actions.filter(({ objectId }) => this.#state.records.has(objectId));
    if (!(await this.#tracker.call('applyAsyncKeyframe', asyncKeyframe.frameIndex, alive)))
      return false;
    clock.add('encode', done.timings.encode);
    clock.add('decode', done.timings.decode);
    this.#remember(asyncKeyframe.frameIndex, segmentedMasks(alive), new Set());
    this.#keyframes++;
    this.#state = { ...this.#state, sourceKeyframe: asyncKeyframe.frameIndex };
    return true;
  }

  /**
   * Lets the step deliver the masks too, where nothing is expected to change them: in LATEST a
   * keyframe's result comes on a later frame, unless it answers a prompt. On a busy server a frame
   * waits some milliseconds whenever it changes threads.
   */
  #mayEndWithStep(task: FrameTask): { readonly deliver?: DeliveryOptions } {
    const isQuiet = task.updates.length === 0 && this.#asyncKeyframe?.take() == null;
    return this.#pace !== null && isQuiet ? { deliver: this.#delivery(task.frame) } : {};
  }

  async #deliver(
    frame: Frame,
    refined: readonly ObjectAction[],
  ): Promise<readonly DeliveredObject[]> {
    return await this.#tracker.call('deliver', this.#delivery(frame), refined);
  }

  #delivery({ display }: Frame): DeliveryOptions {
    const { maskLongSide, overlap, maskForm: form = 'pixels' } = this.#options;
    const maskSize = maskLongSide === null ? display : fitLongSide(display, maskLongSide);
    return { overlap, maskSize, form };
  }

  #context(clock: StageClock): KeyframeContext {
    const { segmenter } = this.#parts;
    return {
      segmenter,
      bank: this.#bank,
      prefetched: this.#prefetched,
      clock,
      signal: this.#options.signal,
      onEncode: () => this.#encoderRuns++,
    };
  }
}
