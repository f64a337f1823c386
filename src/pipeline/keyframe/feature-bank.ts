import type { Box } from '../../frame/geometry.ts';
import type { Features } from '../../frame/ports.ts';

/** What names features: the frame, the part of it that was encoded, and whether it was flipped. */
export type FeatureName = {
  readonly frameIndex: number;
  readonly region: Box;
  /** Default: false. */
  readonly flipped?: boolean;
};

/** The memory bank of a stream: owns the image features that its objects may still be compared with. */
export class FeatureBank {
  readonly #features = new Map<string, Features>();
  #closed = false;

  /**
   * Takes ownership; features of the same name that were held before are closed. After `close`
   * what comes late is closed at once.
   */
  put(features: Features): void {
    if (this.#closed) {
      features.close();
      return;
    }
    const key = featureKey(features);
    const former = this.#features.get(key);
    if (former === features) return;
    former?.close();
    this.#features.set(key, features);
  }

  /** The features of a name, still owned by the bank; undefined if they are gone. */
  get(name: FeatureName): Features | undefined {
    return this.#features.get(featureKey(name));
  }

  /**
   * Closes all features but the named ones.
   *
   * @param frameIndex a frame whose features are all kept. Default: none.
   */
  keepOnly(names: Iterable<FeatureName>, frameIndex: number | null = null): void {
    // Every state that is held names the same few: most are told by identity, without a key.
    const needed = new Set([...new Set(names)].map(featureKey));
    for (const [key, features] of this.#features) {
      if (needed.has(key) || features.frameIndex === frameIndex) continue;
      this.#features.delete(key);
      features.close();
    }
  }

  /** Closes everything, now and what still comes; idempotent. */
  close(): void {
    this.#closed = true;
    this.keepOnly([]);
  }
}

function featureKey({ frameIndex, region, flipped = false }: FeatureName): string {
  const { x, y, width, height } = region;
  return `${frameIndex}/${x},${y},${width},${height}${flipped ? '/flipped' : ''}`;
}
