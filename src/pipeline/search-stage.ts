import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import type { Segmenter } from '../frame/ports.ts';
import type { ObjectAction, StepEvidence } from '../tracking/tracker-types.ts';
import type { StreamState } from './frame-task.ts';
import type { KeyframeContext } from './keyframe/encode.ts';
import { objectMemories, rememberMasks, segmentedMasks } from './keyframe/memory.ts';
import { isKnownKeyframe, isSceneCut, type KeyframePolicy } from './keyframe/policy.ts';
import { lookForText, type Look, type LookScene } from './keyframe/text-look.ts';
import type { ObjectRecords } from './prompts/object-record.ts';
import { afterLook, dueSearches, replaceSearch, type TextSearch } from './prompts/text-search.ts';
import { StageClock } from './stage-clock.ts';
import type { TrackerHandle } from './tracker/pool.ts';

/** What the stage is made of. */
export type SearchParts = {
  readonly tracker: TrackerHandle;
  readonly segmenter: Segmenter;
  /** Most objects of the stream. */
  readonly maxObjects: number;
  readonly policy: KeyframePolicy;
  readonly signal: AbortSignal;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** What the model is run with: the stream's features and counts. */
  readonly context: (clock: StageClock) => KeyframeContext;
  /** Called when a look that overlapped with later frames is over, also one that was abandoned. */
  readonly onRunOver: () => void;
};

/** Objects and searches of a stream. */
export type Searched = {
  readonly records: ObjectRecords;
  readonly searches: readonly TextSearch[];
};

/** What a look left: objects and searches, and whose masks it made. */
export type UsedLook = Searched & {
  readonly frameIndex: number;
  readonly objectIds: readonly number[];
};

type AsyncLook = {
  readonly frameIndex: number;
  readonly abort: AbortController;
  result: { readonly look: Look } | { readonly reason: unknown } | null;
};

/**
 * Looks for the phrases of one stream's standing searches: on a frame that waits for it, or (LATEST)
 * while later frames leave; then what it found is carried forward as an asynchronous keyframe is.
 */
export class SearchStage {
  readonly #parts: SearchParts;
  #async: AsyncLook | null = null;
  readonly #runs = new Set<Promise<unknown>>();

  constructor(parts: SearchParts) {
    this.#parts = parts;
  }

  /** State of the look that overlaps with later frames. */
  get asyncState(): 'none' | 'in-work' | 'arrived' {
    if (this.#async === null) return 'none';
    return this.#async.result === null ? 'in-work' : 'arrived';
  }

  /** The frame whose features a look needs until its result is carried; null: none. */
  get frameIndex(): number | null {
    return this.#async?.frameIndex ?? null;
  }

  /**
   * Searches that are to be looked at on a frame. With fixed keyframes only on those, since what is
   * found makes its frame a keyframe.
   */
  due(
    frameIndex: number,
    { sceneCut }: StepEvidence,
    { searches, firstPromptFrame }: Pick<StreamState, 'searches' | 'firstPromptFrame'>,
  ): readonly TextSearch[] {
    const { policy } = this.#parts;
    const isFixed = policy.kind === 'fixed';
    if (isFixed && !isKnownKeyframe(frameIndex, firstPromptFrame, policy)) return [];
    return dueSearches(searches, { frameIndex, isCut: isSceneCut(sceneCut) });
  }

  /** Looks for one phrase on a frame; masks of what it finds are in the tracker. Throws `unknown-word`. */
  async look(
    frame: Frame,
    search: TextSearch,
    known: Searched & { readonly step: StepEvidence; readonly clock: StageClock },
  ): Promise<UsedLook> {
    const { tracker } = this.#parts;
    const context = this.#parts.context(known.clock);
    const scene = this.#scene(known.records, known.step);
    const look = await lookForText(frame, search, scene, { context, tracker });
    const actions: ObjectAction[] = actionsOf(look);
    const mistaken = actions.length > 0 ? await tracker.call('apply', actions) : [];
    return this.#used(look, known, mistaken);
  }

  /** Begins to look for a phrase on a frame; see `carry`. */
  begin(
    frame: Frame,
    search: TextSearch,
    { records, step }: { readonly records: ObjectRecords; readonly step: StepEvidence },
  ): void {
    this.abandon();
    const { tracker, signal, nowMs } = this.#parts;
    const abort = new AbortController();
    const started: AsyncLook = { frameIndex: frame.index, abort, result: null };
    this.#async = started;
    const context = {
      ...this.#parts.context(new StageClock(nowMs)),
      signal: AbortSignal.any([signal, abort.signal]),
    };
    const held = frame.retain();
    const scene = this.#scene(records, step);
    const run = lookForText(held, search, scene, { context, tracker })
      .then(
        (look) => void (started.result = { look }),
        (reason: unknown) => void (started.result = { reason }),
      )
      .finally(() => {
        held.close();
        this.#runs.delete(run);
        this.#parts.onRunOver();
      });
    this.#runs.add(run);
  }

  /** Brings what an overlapping look has found to the current frame; null: nothing has come. */
  async carry(known: Searched): Promise<UsedLook | null> {
    const result = this.#async?.result;
    if (!result) return null;
    this.#async = null;
    if ('reason' in result) {
      const error = SegmentationError.from(result.reason);
      if (error.code === 'inference-unavailable') return null;
      throw error;
    }
    const { look } = result;
    // Ended or answered meanwhile, by a prompt or a correction.
    const stands = known.searches.some(
      ({ query, taken }) =>
        query.firstObjectId === look.search.query.firstObjectId && taken === look.search.taken,
    );
    if (!stands || known.records.size + look.found.length > this.#parts.maxObjects) return null;
    const { frameIndex, found } = look;
    const newIds = found.map(({ record }) => record.objectId);
    const { tracker } = this.#parts;
    const actions = actionsOf(look);
    const mistaken = await tracker.call('applyAsyncKeyframe', frameIndex, actions, newIds);
    return mistaken === null ? null : this.#used(look, known, mistaken);
  }

  /** Gives up the look that overlaps with later frames, if there is one. */
  abandon(): void {
    this.#async?.abort.abort();
    this.#async = null;
  }

  /** Gives up what is in work; resolves when no run holds a frame. */
  async close(): Promise<void> {
    this.abandon();
    await Promise.all(this.#runs);
  }

  #scene(records: ObjectRecords, { objects }: StepEvidence): LookScene {
    const visible = objects.flatMap(({ objectId, box }) =>
      box !== null && records.has(objectId) ? [{ objectId, box }] : [],
    );
    const shown = new Set(visible.map(({ objectId }) => objectId));
    const hidden = [...records.values()].filter(
      ({ objectId, state }) => state !== 'pending' && !shown.has(objectId),
    );
    return { visible, hidden, room: this.#parts.maxObjects - records.size };
  }

  #used(look: Look, { records, searches }: Searched, mistaken: readonly number[]): UsedLook {
    const { frameIndex, timestampUs, found } = look;
    const withFound = new Map(records);
    for (const { record } of found) withFound.set(record.objectId, record);
    const actions = actionsOf(look);
    const asked = new Set(found.map(({ record }) => record.objectId));
    const keyframe = {
      frameIndex,
      timestampUs,
      masks: segmentedMasks(actions, mistaken),
      asked,
      objectMemories: objectMemories([...look.returned, ...found], mistaken),
    };
    return {
      frameIndex,
      objectIds: actions.map(({ objectId }) => objectId),
      records: rememberMasks(withFound, keyframe, this.#parts.segmenter.info),
      searches: replaceSearch(searches, afterLook(look.search, frameIndex, found.length)),
    };
  }
}

function actionsOf({ returned, found }: Look) {
  return [...returned, ...found].map(({ action }) => action);
}
