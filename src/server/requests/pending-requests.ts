import { SegmentationError } from '../../frame/errors.ts';

/** Request ids of one stream's updates that are not answered yet; bounded. */
export class PendingRequests {
  readonly #unanswered = new Set<number>();
  readonly #maxPending: number;

  constructor(maxPending: number) {
    this.#maxPending = maxPending;
  }

  /** @throws SegmentationError `invalid-prompt` for an id in use, `too-many-prompts`. */
  check(requestId: number): void {
    if (this.#unanswered.has(requestId)) {
      throw new SegmentationError(
        'invalid-prompt',
        `request_id must differ from those of unanswered updates, got ${requestId} again`,
      );
    }
    if (this.#unanswered.size >= this.#maxPending) {
      throw new SegmentationError(
        'too-many-prompts',
        `at most ${this.#maxPending} updates may wait for their answer, got one more`,
      );
    }
  }

  /** The update waits for its answer from now on. */
  add(requestId: number): void {
    this.#unanswered.add(requestId);
  }

  /** The update is answered. */
  settle(requestId: number): void {
    this.#unanswered.delete(requestId);
  }

  /** Takes out everything that is not answered. */
  drain(): number[] {
    const left = [...this.#unanswered];
    this.#unanswered.clear();
    return left;
  }
}
