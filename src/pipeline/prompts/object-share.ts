/** A stream's part of what bounds the objects of several streams. */
export type ObjectShare = {
  /** Throws `too-many-objects` unless so many objects of this stream fit. Books nothing. */
  require(objects: number): void;
  /** Books so many objects; also more than fit, where they are there already. */
  book(objects: number): void;
  /** Gives everything back; idempotent. */
  close(): void;
};
