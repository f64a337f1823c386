import type { Frame } from '../frame/frame.ts';
import { fitLongSide } from '../frame/geometry.ts';
import type { DeliveredObject, DeliveryOptions } from '../tracking/delivery-types.ts';
import type { AdvanceOptions, ObjectAction, StepEvidence } from '../tracking/tracker-types.ts';
import { objectResults, observeOutputs, sourceOf } from './frame-outcome.ts';
import {
  initialState,
  keyframeBegun,
  keyframeUsed,
  lookUsed,
  positionOf,
  promptsApplied,
  trackerFrame,
  type FrameTask,
  type ProcessedFrame,
  type StreamState,
} from './frame-task.ts';
import { KeyframeBudget } from './keyframe/budget.ts';
import { frameEvidence, keyframeNeed } from './keyframe/evidence.ts';
import { KeyframeStage, type KeyframeCounts } from './keyframe/keyframe-stage.ts';
import { decideFrame, isKnownKeyframe, type FrameDecision } from './keyframe/policy.ts';
import { LivePace } from './live-pace.ts';
import { PromptStage } from './prompt-stage.ts';
import type { PromptedFrame } from './prompts/apply-prompts.ts';
import { roomForObjects } from './prompts/object-room.ts';
import type { TextSearch } from './prompts/text-search.ts';
import { SearchStage } from './search-stage.ts';
import { RefineStage, visibleObjects } from './refine-stage.ts';
import type { SessionOptions, SessionParts } from './session-types.ts';
import { StageClock } from './stage-clock.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/**
 * Takes one frame after the other from pixels and prompts to masks: moves the masks, decides,
 * segments or refines, and delivers. One per stream; calls must not overlap.
 */
export class FrameProcessor {
  readonly #options: SessionOptions;
  readonly #parts: SessionParts;
  readonly #tracker: TrackerHandle;
  readonly #keyframes: KeyframeStage;
  readonly #refiner: RefineStage;
  readonly #searches: SearchStage;
  readonly #prompts: PromptStage;
  /** Null in EVERY_FRAME, where nothing depends on time. */
  readonly #pace: LivePace | null;
  #state: StreamState = initialState;

  constructor(options: SessionOptions, parts: SessionParts, tracker: TrackerHandle) {
    this.#options = options;
    this.#parts = parts;
    this.#tracker = tracker;
    const { budget = new KeyframeBudget(parts.nowMs), nowMs } = parts;
    this.#pace = options.delivery === 'latest' ? new LivePace(budget, nowMs, options.owner) : null;
    const { info } = parts.segmenter;
    const maxObjects = roomForObjects(info, options.limits);
    const onRunOver = (isAnswered?: boolean): void => this.#pace?.endKeyframe(isAnswered);
    const mayFlip = (): boolean => this.#pace?.mayFlip ?? true;
    const shared = { ...parts, tracker, signal: options.signal, onRunOver, mayFlip };
    this.#keyframes = new KeyframeStage(shared);
    this.#searches = new SearchStage({
      ...shared,
      maxObjects,
      policy: options.keyframes,
      context: (clock) => this.#keyframes.context(clock),
    });
    this.#prompts = new PromptStage({
      tracker,
      searches: this.#searches,
      maxClicks: info.maxClicks,
      maxObjects,
      standingSearches: this.#pace === null ? 'at-once' : 'later',
    });
    this.#refiner = new RefineStage(shared);
  }

  /** Encoder runs so far. */
  get counts(): KeyframeCounts {
    return this.#keyframes.counts;
  }

  /** Calls `begin` when the next frame may be taken: in LATEST, on a busy server, keyframes come first. */
  enter(begin: () => void): void {
    if (this.#pace === null) begin();
    else this.#pace.enter(begin);
  }

  /** The stream ends: nothing waits for its turn any more. Idempotent. */
  leave(): void {
    this.#pace?.close();
  }

  /** Processes the next frame. The caller still owns the frame. */
  async process(task: FrameTask): Promise<ProcessedFrame> {
    const { frame } = task;
    const clock = new StageClock(this.#parts.nowMs);
    clock.since('queue', task.queuedAtMs);
    this.#pace?.begin(task);
    const step = await this.#advance(task, clock);

    if (this.#pace !== null && !this.#isReachable) this.#giveUpRuns();
    const carried = await this.#keyframes.carry(this.#state.records, clock);
    const used = carried === null ? this.#state : keyframeUsed(this.#state, carried);
    const looked = await this.#searches.carry(used);
    const before = looked === null ? used : lookUsed(used, looked);
    const prompted = await this.#prompts.apply(task, { state: before, step, clock });
    const known = promptsApplied(before, prompted, task);
    if (this.#pace !== null) this.#beginLook(task, step, known);
    const decision = this.#decide(task, step, { prompted, state: known });

    const decided = await this.#obey(decision, frame, { prompted, state: known, clock });
    const isKeyframe = decision.kind === 'segment';
    const refined = isKeyframe ? [] : await this.#refine(task, step, { known, carried, clock });
    const isSettled = !isKeyframe && carried === null && looked === null && refined.length === 0;
    const settled = isSettled ? step.delivered : null;
    const outputs = settled ?? (await this.#deliver(frame, refined, clock));

    const state = this.#observe(decided, outputs, frame);
    this.#state = state;
    this.#keyframes.discard(frame.index);
    clock.since('total', task.queuedAtMs);
    this.#pace?.end(task);
    const result = {
      ...positionOf(task),
      ...sourceOf(isKeyframe ? decision.reason : null, task, state),
      timings: clock.read(),
      objects: objectResults(outputs, state.records),
    };
    return { state, outcomes: prompted.outcomes, result };
  }

  /**
   * Starts the image encoder on a frame whose turn has not come, if it is known to be a keyframe.
   * The result is the same to the bit.
   */
  prefetch(frame: Frame): void {
    const { firstPromptFrame, records } = this.#state;
    // What is around the objects is known only when their masks have arrived there.
    if (this.#parts.segmenter.info.tracking.regionScale !== null || records.size === 0) return;
    if (!isKnownKeyframe(frame.index, firstPromptFrame, this.#options.keyframes)) return;
    this.#keyframes.prefetch(frame);
  }

  /** Searches of an earlier stream go on from the next frame that is processed. */
  search(searches: readonly TextSearch[]): void {
    this.#state = { ...this.#state, searches };
  }

  /** Goes back to `state`, that after `frame` (null: before the first), to process later ones again. */
  async restore(frame: Frame | null, state: StreamState): Promise<void> {
    this.#keyframes.abandon();
    this.#searches.abandon();
    this.#state = state;
    await this.#tracker.call('restore', frame === null ? null : trackerFrame(frame));
  }

  /**
   * Puts masks on a frame that was processed before into a tracker that knows nothing, and goes back
   * to the state after it; null: to a stream of which no frame is held.
   */
  async rebuild(
    base: { readonly frame: Frame; readonly state: StreamState } | null,
    masks: readonly ObjectAction[],
  ): Promise<void> {
    this.#keyframes.abandon();
    this.#searches.abandon();
    if (base === null) return;
    this.#state = base.state;
    await this.#tracker.call('advance', trackerFrame(base.frame));
    for (const mask of masks) await this.#tracker.call('apply', [mask]);
  }

  /** Closes features that neither the newest state nor a held one may still compare with. */
  releaseFeatures(heldStates: readonly StreamState[]): void {
    const held = [this.#state, ...heldStates].map(({ records }) => records);
    this.#keyframes.releaseFeatures(held, this.#searches.frameIndex);
  }

  /** Gives up what is in work and frees all features; resolves when no run holds a frame. */
  async close(): Promise<void> {
    this.leave();
    await Promise.all([this.#searches.close(), this.#keyframes.close()]);
  }

  /** False while the servers that run the model do not answer. */
  get #isReachable(): boolean {
    return this.#parts.segmenter.isReachable?.() ?? true;
  }

  /** LATEST: what waits for a server that is gone would come too late to be of use. */
  #giveUpRuns(): void {
    this.#keyframes.abandon();
    this.#searches.abandon();
  }

  /** Whether a keyframe or a look runs while frames leave, or its result waits to be carried. */
  get #isModelInWork(): boolean {
    return this.#keyframes.asyncState !== 'none' || this.#searches.asyncState !== 'none';
  }

  /** Moves all masks onto the frame. */
  async #advance(task: FrameTask, clock: StageClock): Promise<StepEvidence> {
    const mayRefine = this.#pace?.mayRefine(task) ?? true;
    const options: AdvanceOptions = {
      needMotion: this.#isModelInWork,
      bridge: task.bridge.map(trackerFrame),
      cropsUnder: mayRefine ? this.#refiner.maxConfidence : 0,
      ...(this.#mayEndWithStep(task) ? { deliver: this.#delivery(task.frame) } : {}),
    };
    return await clock.time('propagate', () =>
      this.#tracker.call('advance', trackerFrame(task.frame), options),
    );
  }

  /**
   * Whether the step delivers the masks too, since nothing is expected to change them: in LATEST a
   * keyframe's result comes on a later frame, unless it answers a prompt. On a busy server a frame
   * waits some milliseconds whenever it changes threads.
   */
  #mayEndWithStep({ updates }: FrameTask): boolean {
    if (this.#pace === null || updates.length > 0) return false;
    return this.#keyframes.asyncState !== 'arrived' && this.#searches.asyncState !== 'arrived';
  }

  /** LATEST: begins to look for a phrase while this frame and later ones leave, one at a time. */
  #beginLook(task: FrameTask, step: StepEvidence, state: StreamState): void {
    if (this.#isModelInWork || !this.#isReachable) return;
    const [first] = this.#searches.due(task.frame.index, step, state);
    if (first === undefined || this.#pace?.tryBeginKeyframe() !== true) return;
    this.#searches.begin(task.frame, first, { records: state.records, step });
  }

  #decide(
    { frame, sizeChanged, resumed }: FrameTask,
    step: StepEvidence,
    { prompted, state }: { readonly prompted: PromptedFrame; readonly state: StreamState },
  ): FrameDecision {
    const pace = this.#pace;
    const { records, firstPromptFrame, lastKeyframe } = state;
    const inWork = this.#isModelInWork;
    const evidence = frameEvidence(step, {
      frameIndex: frame.index,
      timestampUs: frame.timestampUs,
      records,
      firstPromptFrame,
      lastKeyframe,
      prompted: prompted.asked.size + prompted.found.size > 0,
      sizeChanged,
      resumed,
      live: pace && {
        inWork,
        mayBegin: () => pace.tryBeginKeyframe(keyframeNeed(step)),
        isReachable: this.#isReachable,
      },
    });
    return decideFrame(evidence, this.#options.keyframes);
  }

  /** Does with the model what was decided; the state that follows. */
  async #obey(
    decision: FrameDecision,
    frame: Frame,
    given: {
      readonly prompted: PromptedFrame;
      readonly state: StreamState;
      readonly clock: StageClock;
    },
  ): Promise<StreamState> {
    const { prompted, state, clock } = given;
    if (decision.kind === 'propagate') return state;
    const begun = keyframeBegun(state, frame, decision.reason);
    if (decision.kind === 'begin') {
      await this.#keyframes.begin(frame, prompted);
      return begun;
    }
    const segment = () => this.#keyframes.segment(frame, prompted, clock);
    const used = await (this.#pace === null ? segment() : this.#pace.whilePrompted(segment));
    const appearances = await this.#refiner.learn([...used.records.keys()], clock);
    if (appearances.length > 0) await this.#tracker.call('apply', appearances);
    return keyframeUsed(begun, used);
  }

  /** Pulls doubtful masks back to the edge; once a keyframe was carried, learns appearances instead. */
  async #refine(
    task: FrameTask,
    step: StepEvidence,
    given: {
      readonly known: StreamState;
      readonly carried: object | null;
      readonly clock: StageClock;
    },
  ): Promise<readonly ObjectAction[]> {
    const { known, carried, clock } = given;
    if (this.#pace?.mayRefine(task) === false) return [];
    if (carried !== null) return await this.#refiner.learn(visibleObjects(step), clock);
    const crops = step.crops.filter(({ objectId }) => known.records.has(objectId));
    const refine = () => this.#refiner.refine(crops, clock);
    if (crops.length === 0 || this.#pace === null) return await refine();
    return await this.#pace.whileRefining(refine);
  }

  async #deliver(
    frame: Frame,
    refined: readonly ObjectAction[],
    clock: StageClock,
  ): Promise<readonly DeliveredObject[]> {
    const options = this.#delivery(frame);
    return await clock.time('output', () => this.#tracker.call('deliver', options, refined));
  }

  #delivery({ display }: Frame): DeliveryOptions {
    const { maskLongSide, overlap, maskForm: form = 'pixels' } = this.#options;
    const { minMaskRegionArea: minRegionArea = 0 } = this.#options;
    const maskSize = maskLongSide === null ? display : fitLongSide(display, maskLongSide);
    return { overlap, maskSize, form, minRegionArea };
  }

  #observe(
    state: StreamState,
    outputs: readonly DeliveredObject[],
    { timestampUs }: Frame,
  ): StreamState {
    const { lostAfterUs } = this.#options.limits;
    const records = observeOutputs(state.records, outputs, { timestampUs, lostAfterUs });
    return { ...state, records };
  }
}
