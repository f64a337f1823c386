import { SegmentationError } from '../../frame/errors.ts';
import { ConnectionTally } from './connection-tally.ts';

/** Calls that a connection may have open whatever the others have. */
const fewCalls = 8;

/**
 * Counts open calls that have no place: health checks, watches, reflection, the list of models. Who
 * holds many on one connection is refused where all are taken; those who hold a few are not.
 */
export class OpenCalls {
  readonly #max: number;
  readonly #open = new ConnectionTally();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * @returns what takes the call off the count again; to be called once
   * @throws SegmentationError `server-exhausted`
   */
  enter(connection: object): () => void {
    if (this.#open.total >= this.#max && this.#open.of(connection) >= fewCalls) {
      throw new SegmentationError(
        'server-exhausted',
        `at most ${this.#max} calls besides streams and images at a time, got one more`,
      );
    }
    this.#open.add(connection, 1);
    return () => this.#open.add(connection, -1);
  }
}
