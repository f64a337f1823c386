import type { Features } from './ports.ts';

/** Owns the image features that a stream's objects may still be compared with, by frame. */
export class FeatureBank {
  readonly #features = new Map<number, Features>();
  #closed = false;

  /**
   * Takes ownership; features of the same frame that were held before are closed. After `close`
   * what comes late is closed at once.
   */
  put(features: Features): void {
    if (this.#closed) {
      features.close();
      return;
    }
    const former = this.#features.get(features.frameIndex);
    if (former === features) return;
    former?.close();
    this.#features.set(features.frameIndex, features);
  }

  /** The features of a frame, still owned by the bank; undefined if they are gone. */
  get(frameIndex: number): Features | undefined {
    return this.#features.get(frameIndex);
  }

  /** Closes all features but those of the named frames. */
  keepOnly(frameIndexes: ReadonlySet<number>): void {
    for (const [frameIndex, features] of this.#features) {
      if (frameIndexes.has(frameIndex)) continue;
      this.#features.delete(frameIndex);
      features.close();
    }
  }

  /** Closes everything, now and what still comes; idempotent. */
  close(): void {
    this.#closed = true;
    this.keepOnly(new Set());
  }
}
