import { SegmentationError } from '../../frame/errors.ts';

/** What the objects of several streams are taken from. */
export type ObjectStock = {
  /** How many more there is room for; infinite: no bound. */
  readonly room: () => number;
  /** So many objects are taken; fewer than none are given back. */
  readonly take: (objects: number) => void;
  /** Why `more` objects are refused where there is room for fewer. */
  readonly refusal: (room: number, more: number) => string;
};

/** A stream's part of what bounds the objects of several streams. */
export class ObjectShare {
  readonly #stock: ObjectStock;
  #objects = 0;
  #isClosed = false;

  constructor(stock: ObjectStock) {
    this.#stock = stock;
  }

  /** Throws `too-many-objects` unless so many objects of this stream fit. Books nothing. */
  require(objects: number): void {
    const more = objects - this.#objects;
    const room = Math.max(0, this.#stock.room());
    if (more <= room) return;
    throw new SegmentationError('too-many-objects', this.#stock.refusal(room, more));
  }

  /** Books so many objects; also more than fit, where they are there already. */
  book(objects: number): void {
    if (this.#isClosed) return;
    this.#stock.take(objects - this.#objects);
    this.#objects = objects;
  }

  /** Gives everything back; idempotent. */
  close(): void {
    this.book(0);
    this.#isClosed = true;
  }
}
