import { PromptAction } from '../../../src/gen/maskstream/v1/video_request.ts';
import type {
  PromptUpdate,
  ResumeSearch,
  ResumeState,
} from '../../../src/gen/maskstream/v1/video_request.ts';
import { KeptSearches } from './kept-searches.ts';
import type { PromptAck } from '../../../src/gen/maskstream/v1/video_response.ts';

type KeptPrompt = {
  readonly update: PromptUpdate;
  /** The frame it was applied on; null before its acknowledgement. */
  appliedAt: number | null;
  /** Once a frame from here on is answered, the effect has reached the caller. */
  seenFrom: number;
  /** Ids that a phrase found at once. */
  found: number;
};

/**
 * The updates whose effect has not reached the caller, in the order in which they were sent: another
 * server has to be told of them again. An acknowledgement alone is not enough: the masks come after.
 */
export class KeptPrompts {
  readonly #waiting = new Map<number, KeptPrompt>();
  /** Every update that was applied, for a video that is sent again from its start. */
  readonly #applied: PromptUpdate[] = [];
  readonly #removed: Set<number>;
  readonly #searches: KeptSearches;
  /** Also updates that took effect are kept: the whole video is worked on again. */
  keepsAll = false;

  /** @param resume what the stream itself went on from, where it did */
  constructor(resume: ResumeState | undefined) {
    this.#removed = new Set(resume?.removedObjectIds);
    this.#searches = new KeptSearches(resume?.searches ?? []);
  }

  /** Ids that were removed. */
  get removedObjectIds(): number[] {
    return [...this.#removed];
  }

  /** Phrases that are still looked for. */
  get searches(): ResumeSearch[] {
    return this.#searches.open;
  }

  /** Notes an update that is sent. */
  add(update: PromptUpdate): void {
    this.#waiting.set(update.requestId, { update, appliedAt: null, seenFrom: Infinity, found: 0 });
  }

  /**
   * Notes an acknowledgement, in the caller's count of frames; false where the caller has had it.
   *
   * @param newest newest frame that was answered
   */
  acknowledge(ack: PromptAck, newest: number): boolean {
    const kept = this.#waiting.get(ack.requestId);
    // Of an update that took effect before the call broke.
    if (kept === undefined) return false;
    const isFirst = kept.appliedAt === null;
    if (ack.error !== undefined) this.#waiting.delete(ack.requestId);
    else {
      kept.appliedAt = ack.frameIndex ?? newest + 1;
      kept.seenFrom = Math.max(kept.appliedAt, newest);
      kept.found = ack.objectIds.length;
    }
    return isFirst;
  }

  /** Notes that a frame was answered, with all that was acknowledged before. */
  seen(frameIndex: number, objectIds: readonly number[]): void {
    this.#searches.found(objectIds);
    for (const [requestId, { update, appliedAt, seenFrom, found }] of this.#waiting) {
      if (frameIndex < seenFrom || appliedAt === null) continue;
      this.#waiting.delete(requestId);
      if (update.action === PromptAction.PROMPT_ACTION_REMOVE) this.#remove(update.objectId);
      this.#searches.begin(update, found);
      if (this.keepsAll) this.#applied.push(atFrame(update, appliedAt));
    }
  }

  /** What to tell another server that goes on behind frame `newest`. */
  waiting(): PromptUpdate[] {
    return [...this.#waiting.values()].map(({ update, appliedAt }) =>
      appliedAt === null ? update : atFrame(update, appliedAt),
    );
  }

  /** What to tell another server that sees the whole video again, of which `newest` was answered. */
  all(newest: number): PromptUpdate[] {
    const waiting = this.waiting().map((update) =>
      update.at === undefined && newest >= 0 ? atFrame(update, newest + 1) : update,
    );
    return [...this.#applied, ...waiting];
  }

  /** An id that a search only held is free again; an object's never is. */
  #remove(objectId: number): void {
    if (!this.#searches.end(objectId)) this.#removed.add(objectId);
  }
}

function atFrame(update: PromptUpdate, frameIndex: number): PromptUpdate {
  return { ...update, at: { $case: 'frameIndex', value: frameIndex } };
}
