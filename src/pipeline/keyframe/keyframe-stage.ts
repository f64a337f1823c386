import { SegmentationError } from '../../frame/errors.ts';
import type { Frame } from '../../frame/frame.ts';
import type { Segmenter } from '../../frame/ports.ts';
import type { PromptedFrame } from '../prompts/apply-prompts.ts';
import { memoryOf, type ObjectRecords } from '../prompts/object-record.ts';
import { StageClock } from '../stage-clock.ts';
import type { TrackerHandle } from '../tracker/pool.ts';
import { AsyncKeyframe } from './async-keyframe.ts';
import { rememberClicked } from './click-memory.ts';
import { encodeInto, type KeyframeContext } from './encode.ts';
import { FeatureBank, type FeatureName } from './feature-bank.ts';
import { objectMemories, rememberMasks, segmentedMasks } from './memory.ts';
import { planKeyframe, type KeyframePlan } from './plan.ts';
import { PrefetchedFeatures } from './prefetch.ts';
import { recallGiven } from './recalled-passes.ts';
import { segmentObjects } from './segment.ts';

/** What the stage is made of. */
export type KeyframeParts = {
  readonly tracker: TrackerHandle;
  readonly segmenter: Segmenter;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Whether there is time for flip passes; asked when one is due. */
  readonly mayFlip: () => boolean;
  /** Called when an asynchronous run is over, also one that was abandoned, which nobody answered. */
  readonly onRunOver: (isAnswered: boolean) => void;
};

/** Encoder runs so far: those whose result was used, and all. */
export type KeyframeCounts = { readonly keyframes: number; readonly encoderRuns: number };

/** A keyframe whose masks are in use, and the records with what it left to remember. */
export type UsedKeyframe = { readonly frameIndex: number; readonly records: ObjectRecords };

/**
 * Runs the full model on keyframes of one stream and applies what it says to the tracker: on their
 * own frame, or asynchronously while later frames leave. Owns image features and runs under way.
 */
export class KeyframeStage {
  readonly #parts: KeyframeParts;
  readonly #bank = new FeatureBank();
  readonly #prefetched = new PrefetchedFeatures();
  #async: AsyncKeyframe | null = null;
  /** Asynchronous runs that are not over, also those that nobody wants any more. */
  readonly #asyncRuns = new Set<Promise<unknown>>();
  #keyframes = 0;
  #encoderRuns = 0;

  constructor(parts: KeyframeParts) {
    this.#parts = parts;
  }

  /** Encoder runs so far. */
  get counts(): KeyframeCounts {
    return { keyframes: this.#keyframes, encoderRuns: this.#encoderRuns };
  }

  /** State of the asynchronous keyframe: its run goes on, or its result waits to be carried. */
  get asyncState(): 'none' | 'in-work' | 'arrived' {
    if (this.#async === null) return 'none';
    return this.#async.take() === null ? 'in-work' : 'arrived';
  }

  /** Starts the encoder on the whole of a frame whose turn has not come. */
  prefetch(frame: Frame): void {
    const { segmenter, signal } = this.#parts;
    this.#encoderRuns++;
    this.#prefetched.start(frame, (held) => segmenter.encode(held, signal));
  }

  /** Runs the model on a frame; its masks are in the tracker when this resolves. */
  async segment(frame: Frame, prompted: PromptedFrame, clock: StageClock): Promise<UsedKeyframe> {
    this.abandon();
    const { tracker, segmenter } = this.#parts;
    const { region, objects, given } = await this.#plan(frame, prompted);
    const context = this.context(clock);
    const answers = await segmentObjects(context, frame, objects);
    const actions = answers.map(({ action }) => action);
    const mistaken = actions.length > 0 ? await tracker.call('apply', actions) : [];
    if (prompted.given.size > 0) await encodeInto(context, frame, region);
    const found = segmentedMasks(actions, mistaken);
    const remembered = await rememberClicked(context, frame, { found, objects, actions });
    const masks = new Map([...remembered, ...given]);
    const recalled = segmenter.info.objectMemory
      ? [
          ...objectMemories(answers, mistaken),
          ...(await recallGiven(context, frame, { given, region, records: prompted.records })),
        ]
      : [];
    this.#keyframes++;
    const keyframe = {
      frameIndex: frame.index,
      timestampUs: frame.timestampUs,
      masks,
      asked: prompted.asked,
      objectMemories: new Map(recalled),
    };
    const records = rememberMasks(prompted.records, keyframe, segmenter.info);
    return { frameIndex: frame.index, records };
  }

  /** Begins an asynchronous run on a frame, in place of one under way; see `carry`. */
  async begin(frame: Frame, prompted: PromptedFrame): Promise<void> {
    this.abandon();
    const { objects } = await this.#plan(frame, prompted);
    const context = this.context(new StageClock(this.#parts.nowMs));
    const run = new AsyncKeyframe(frame, objects, context);
    this.#async = run;
    const over = run.over.finally(() => {
      this.#parts.onRunOver(run.take()?.kind === 'done');
      this.#asyncRuns.delete(over);
    });
    this.#asyncRuns.add(over);
  }

  /** Carries an asynchronous keyframe that has arrived to the current frame; null: none, or in vain. */
  async carry(records: ObjectRecords, clock: StageClock): Promise<UsedKeyframe | null> {
    const keyframe = this.#async;
    const done = keyframe?.take();
    if (!keyframe || !done) return null;
    this.#async = null;
    if (done.kind === 'failed') {
      const error = SegmentationError.from(done.reason);
      // Masks are propagated on; the next keyframe is tried when a server answers again.
      if (error.code === 'inference-unavailable') return null;
      throw error;
    }
    const { frameIndex, timestampUs } = keyframe;
    const { tracker, segmenter } = this.#parts;
    const answers = done.answers.filter(({ action }) => records.has(action.objectId));
    const alive = answers.map(({ action }) => action);
    const mistaken = await tracker.call('applyAsyncKeyframe', frameIndex, alive);
    if (mistaken === null) return null;
    clock.add('encode', done.timings.encode);
    clock.add('decode', done.timings.decode);
    this.#keyframes++;
    const used = {
      frameIndex,
      timestampUs,
      masks: segmentedMasks(alive, mistaken),
      asked: new Set<number>(),
      objectMemories: objectMemories(answers, mistaken),
    };
    return { frameIndex, records: rememberMasks(records, used, segmenter.info) };
  }

  /** Gives up the asynchronous keyframe, if there is one. */
  abandon(): void {
    this.#async?.abandon();
    this.#async = null;
  }

  /** A frame is done: closes what was prefetched up to it and not taken. */
  discard(frameIndex: number): void {
    this.#prefetched.discard(frameIndex);
  }

  /**
   * Closes features that no object of these records may still be compared with.
   *
   * @param inUse a frame whose features are needed all the same
   */
  releaseFeatures(held: Iterable<ObjectRecords>, inUse: number | null): void {
    const needed: FeatureName[] = [...(this.#async?.features ?? [])];
    for (const records of held) {
      for (const record of records.values()) needed.push(...memoryOf(record));
    }
    this.#bank.keepOnly(needed, inUse);
  }

  /** Gives up what is in work and frees all features; resolves when no run holds a frame. */
  async close(): Promise<void> {
    this.abandon();
    this.#bank.close();
    await Promise.all([this.#prefetched.close(), ...this.#asyncRuns]);
  }

  #plan(frame: Frame, prompted: PromptedFrame): Promise<KeyframePlan> {
    const { tracker, segmenter } = this.#parts;
    const { regionScale } = segmenter.info.tracking;
    const records = [...prompted.records.values()];
    return planKeyframe(tracker, { frame, records, prompted, regionScale });
  }

  /** What the model is run with on this stream. */
  context(clock: StageClock): KeyframeContext {
    const { segmenter, signal, mayFlip } = this.#parts;
    const onEncode = (): number => this.#encoderRuns++;
    const held = { bank: this.#bank, prefetched: this.#prefetched };
    return { segmenter, ...held, clock, signal, mayFlip, onEncode };
  }
}
