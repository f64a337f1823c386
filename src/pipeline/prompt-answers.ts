import { SegmentationError } from '../frame/errors.ts';
import type { PromptUpdate } from '../frame/prompt.ts';
import type { EventQueue } from './event-queue.ts';
import type { SessionEvent } from './session-types.ts';
import type { PromptOutcome } from './prompts/apply-prompts.ts';
import type { ObjectMemoryShare } from './prompts/object-memory-pool.ts';
import type { PendingPrompts } from './prompts/pending-prompts.ts';
import { isResumeUpdate } from './prompts/resume-updates.ts';

/**
 * What becomes of a stream's prompts: each is acknowledged or refused once, and what the objects of
 * accepted ones may keep in memory is booked until they are gone.
 */
export class PromptAnswers {
  readonly #pending: PendingPrompts;
  readonly #memory: ObjectMemoryShare;
  readonly #events: EventQueue<SessionEvent>;
  /** Objects after the newest frame. */
  #objectsAlive = 0;

  constructor(
    pending: PendingPrompts,
    memory: ObjectMemoryShare,
    events: EventQueue<SessionEvent>,
  ) {
    this.#pending = pending;
    this.#memory = memory;
    this.#events = events;
  }

  /** Books what all accepted objects need. Throws `too-many-objects` where the server has no room. */
  book(): void {
    this.#memory.require(this.#pending.objectCount);
    this.#bookMemory();
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
    this.#bookMemory();
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
    this.#bookMemory();
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

  /** Gives the memory back; idempotent. */
  close(): void {
    this.#memory.close();
  }

  /** An object whose removal waits for its frame has its memory until then. */
  #bookMemory(): void {
    this.#memory.book(Math.max(this.#pending.objectCount, this.#objectsAlive));
  }
}
