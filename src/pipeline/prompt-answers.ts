import { SegmentationError } from '../frame/errors.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import type { EventQueue } from './event-queue.ts';
import type { ObjectShare } from './prompts/object-share.ts';
import type { SessionEvent } from './session-types.ts';
import type { PromptOutcome } from './prompts/apply-prompts.ts';
import type { PendingPrompts } from './prompts/pending-prompts.ts';
import { isResumeUpdate } from './prompts/resume-updates.ts';

/**
 * What becomes of a stream's prompts: each is acknowledged or refused once, and the objects of accepted
 * ones are booked, with what they may keep in memory, until they are gone.
 */
export class PromptAnswers {
  readonly #pending: PendingPrompts;
  readonly #shares: readonly ObjectShare[];
  readonly #events: EventQueue<SessionEvent>;
  /** Objects after the newest frame. */
  #objectsAlive = 0;

  constructor(
    pending: PendingPrompts,
    shares: readonly ObjectShare[],
    events: EventQueue<SessionEvent>,
  ) {
    this.#pending = pending;
    this.#shares = shares;
    this.#events = events;
  }

  /** Books all accepted objects. Throws `too-many-objects` where server or owner has no room. */
  book(): void {
    for (const share of this.#shares) share.require(this.#pending.objectCount);
    this.#bookObjects();
  }

  /** As `book`, after an update was accepted: takes it back before it throws. */
  bookAccepted(update: PromptUpdate): void {
    try {
      this.book();
    } catch (reason) {
      this.#pending.undo(update);
      throw reason;
    }
  }

  /** The stream has so many objects now. */
  follow(objectsAlive: number): void {
    this.#objectsAlive = objectsAlive;
    this.#bookObjects();
  }

  /** Acknowledges a prompt that a frame took, or refuses it; objects of a resume are nobody's prompts. */
  answer(outcome: PromptOutcome, frameIndex: number): void {
    const { update } = outcome;
    if (isResumeUpdate(update)) return;
    if (outcome.kind === 'refused') return this.undo(update, outcome.error);
    const { objectIds } = outcome;
    this.#pending.settle(update, objectIds);
    this.#events.push({ kind: 'ack', requestId: update.requestId, frameIndex, objectIds });
  }

  /** Refuses an update that was accepted before. */
  undo(update: PromptUpdate, error: SegmentationError): void {
    this.#pending.undo(update);
    this.#bookObjects();
    this.refuse(update, error);
  }

  /** Refuses an update that was never accepted. */
  refuse(update: PromptUpdate, error: SegmentationError): void {
    const { code, message } = error;
    this.#events.push({ kind: 'prompt-error', requestId: update.requestId, code, message });
  }

  /** Refuses prompts whose frame never came. */
  refuseRest(framesIn: number): void {
    const message = `the stream ended after ${framesIn} frames, before the prompt's frame`;
    for (const update of this.#pending.takeAll()) {
      this.refuse(update, new SegmentationError('frame-never-came', message));
    }
  }

  /** Gives back what was booked; idempotent. */
  close(): void {
    for (const share of this.#shares) share.close();
  }

  /** An object whose removal waits for its frame counts until then. */
  #bookObjects(): void {
    const objects = Math.max(this.#pending.objectCount, this.#objectsAlive);
    for (const share of this.#shares) share.book(objects);
  }
}
