/**
 * Whether all of several parts reach inference servers. Tells once when the first is lost, and once when
 * none is any more.
 */
export class Reach<Part> {
  readonly #lost = new Set<Part>();
  readonly #onChange: (isReachable: boolean, reason: string) => void;

  constructor(onChange: (isReachable: boolean, reason: string) => void) {
    this.#onChange = onChange;
  }

  /** True until a part is lost. */
  get isWhole(): boolean {
    return this.#lost.size === 0;
  }

  /** Learns whether a part reaches a server. */
  learn(part: Part, isReachable: boolean, reason: string): void {
    const wasWhole = this.isWhole;
    if (isReachable) this.#lost.delete(part);
    else this.#lost.add(part);
    if (wasWhole !== this.isWhole) this.#onChange(this.isWhole, reason);
  }
}
