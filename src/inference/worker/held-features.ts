import type { Frame } from '../../frame/frame.ts';
import type { Box, View } from '../../frame/geometry.ts';
import { pictureOf } from '../picture.ts';
import type { Features } from '../../frame/ports.ts';
import type { FeatureReference, SharedFeatures } from './messages.ts';

/**
 * Features in a worker, with the frame they came from: when the worker dies, its successor makes
 * them again from the frame. A frame is a tenth of the size of the model's input, so this is the
 * cheapest form that loses nothing; memory is bounded by the features that callers hold.
 */
export class HeldFeatures implements Features {
  readonly frameIndex: number;
  readonly region: Box;
  readonly flipped: boolean;
  /** Names these features in the worker. */
  readonly id: number;
  readonly #frame: Frame;
  readonly #onFree: (features: HeldFeatures) => void;
  #owners = 1;
  #heldByGeneration = -1;
  #shared: SharedFeatures | null = null;

  /** Retains `frame` until the last close. */
  constructor(id: number, frame: Frame, view: View, onFree: (features: HeldFeatures) => void) {
    this.id = id;
    this.frameIndex = frame.index;
    this.region = view.region;
    this.flipped = view.flipped;
    this.#frame = frame.retain();
    this.#onFree = onFree;
  }

  /** How a worker of this generation finds the features. */
  reference(workerGeneration: number): FeatureReference {
    if (this.#shared !== null) return { id: this.id, rebuild: null, shared: this.#shared };
    const held = this.#heldByGeneration === workerGeneration;
    return { id: this.id, rebuild: held ? null : pictureOf(this.#frame, this) };
  }

  /** Notes the features themselves, where they left their worker: any other can decode them. */
  share(features: SharedFeatures): void {
    this.#shared = features;
  }

  /** Notes that a worker of this generation holds the features. */
  markHeld(workerGeneration: number): void {
    this.#heldByGeneration = workerGeneration;
  }

  retain(): this {
    if (this.#owners === 0) throw new Error(`features ${this.id} retained after their last close`);
    this.#owners++;
    return this;
  }

  close(): void {
    if (this.#owners === 0) {
      throw new Error(`features ${this.id} closed more often than they were owned`);
    }
    if (--this.#owners > 0) return;
    this.#onFree(this);
    this.#frame.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
