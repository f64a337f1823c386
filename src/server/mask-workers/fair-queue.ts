/**
 * Work of several owners, taken in turn: whoever brings much waits behind his own, not the others
 * behind him.
 */
export class FairQueue<T> {
  readonly #byOwner = new Map<object, T[]>();

  /** Pieces of work that wait. */
  get size(): number {
    let size = 0;
    for (const own of this.#byOwner.values()) size += own.length;
    return size;
  }

  /** Adds work to the end of its owner's. */
  push(owner: object, item: T): void {
    const own = this.#byOwner.get(owner);
    if (own === undefined) this.#byOwner.set(owner, [item]);
    else own.push(item);
  }

  /** The oldest work of the owner whose turn it is; undefined where there is none. */
  shift(): T | undefined {
    for (const [owner, own] of this.#byOwner) {
      this.#byOwner.delete(owner);
      const item = own.shift();
      if (own.length > 0) this.#byOwner.set(owner, own);
      return item;
    }
    return undefined;
  }

  /** Takes out one piece of work; false where it is not there any more. */
  remove(owner: object, item: T): boolean {
    const own = this.#byOwner.get(owner) ?? [];
    const at = own.indexOf(item);
    if (at < 0) return false;
    own.splice(at, 1);
    if (own.length === 0) this.#byOwner.delete(owner);
    return true;
  }

  /** Takes out everything. */
  drain(): T[] {
    const all = [...this.#byOwner.values()].flat();
    this.#byOwner.clear();
    return all;
  }
}
