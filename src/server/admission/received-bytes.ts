import { SegmentationError } from '../../frame/errors.ts';
import { ConnectionTally } from './connection-tally.ts';

/** Bounds of what is received and cannot be worked on yet. */
export type ReceivedLimits = {
  /** On one connection. */
  readonly maxConnectionBytes: number;
  /** On all of them. */
  readonly maxServerBytes: number;
};

/** Counts bytes of requests that are not complete, by connection and for the whole server. */
export class ReceivedBytes {
  readonly #limits: ReceivedLimits;
  readonly #tally = new ConnectionTally();

  constructor(limits: ReceivedLimits) {
    this.#limits = limits;
  }

  /**
   * More bytes came, or (negative) were given up; they count in any case.
   *
   * @throws SegmentationError `request-too-large`, `server-exhausted`.
   */
  add(connection: object, bytes: number): void {
    this.#tally.add(connection, bytes);
    if (bytes <= 0) return;
    const { maxConnectionBytes, maxServerBytes } = this.#limits;
    if (this.#tally.of(connection) > maxConnectionBytes) {
      throw new SegmentationError(
        'request-too-large',
        `requests under way on one connection must have at most ${maxConnectionBytes} bytes, got more`,
      );
    }
    if (this.#tally.total <= maxServerBytes) return;
    throw new SegmentationError(
      'server-exhausted',
      `requests under way must have at most ${maxServerBytes} bytes on this server, got more`,
    );
  }
}
