import { SegmentationError } from '../../frame/errors.ts';

/** Calls that a connection may have open whatever the others have. */
const fewCalls = 8;

/**
 * Counts open calls that have no place: health checks, watches, reflection, the list of models. Who
 * holds many on one connection is refused where all are taken; those who hold a few are not.
 */
export class OpenCalls {
  readonly #max: number;
  readonly #byConnection = new WeakMap<object, number>();
  #total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * @returns what takes the call off the count again, once
   * @throws SegmentationError `server-exhausted`
   */
  enter(connection: object): () => void {
    const own = this.#byConnection.get(connection) ?? 0;
    if (this.#total >= this.#max && own >= fewCalls) {
      throw new SegmentationError(
        'server-exhausted',
        `at most ${this.#max} calls besides streams and images at a time, got one more`,
      );
    }
    this.#count(connection, 1);
    let isIn = true;
    return () => {
      if (isIn) this.#count(connection, -1);
      isIn = false;
    };
  }

  #count(connection: object, by: number): void {
    this.#byConnection.set(connection, (this.#byConnection.get(connection) ?? 0) + by);
    this.#total += by;
  }
}
