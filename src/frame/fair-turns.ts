/**
 * Takes turns between owners of work by the time that each has had: fair queuing, with virtual time as
 * in start-time fair queuing (Goyal, Vin, Cheng 1996). Whoever comes back after a pause begins where the
 * others are: what he did not use is not saved up.
 */
export class FairTurns<Owner> {
  readonly #usedMs = new Map<Owner, number>();
  /** Where the owner of the newest turn stood. */
  #virtualMs = 0;

  /** Of those who have work, the one whose turn it is; the first of equals. Undefined for none. */
  next(waiting: Iterable<Owner>): Owner | undefined {
    let first: { readonly owner: Owner; readonly atMs: number } | undefined;
    for (const owner of waiting) {
      const atMs = this.#startOf(owner);
      if (first === undefined || atMs < first.atMs) first = { owner, atMs };
    }
    if (first === undefined) return undefined;
    this.#virtualMs = first.atMs;
    return first.owner;
  }

  /** An owner's turn took so long. */
  spend(owner: Owner, ms: number): void {
    this.#usedMs.set(owner, this.#startOf(owner) + ms);
    // Who is behind begins at the virtual time anyway: nothing need be known of him.
    if (this.#usedMs.size <= mostKnown) return;
    for (const [one, usedMs] of this.#usedMs) {
      if (usedMs <= this.#virtualMs) this.#usedMs.delete(one);
    }
  }

  #startOf(owner: Owner): number {
    return Math.max(this.#virtualMs, this.#usedMs.get(owner) ?? 0);
  }
}

/** Names come and go on a server that runs for months. */
const mostKnown = 64;
