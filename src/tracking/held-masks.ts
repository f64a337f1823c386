import { freeMemory } from '../frame/free-memory.ts';
import type { TrackedObject } from './object/tracked-object.ts';

type Objects = ReadonlyMap<number, TrackedObject>;

/**
 * Counts how many moments of a history hold each mask: an object that does not move has one mask on many
 * frames. The memory of a mask that no moment holds any more is freed: they come by the hundred a second,
 * and outlive the young part of JavaScript's heap, whose collections are cheap and come soon.
 */
export class HeldMasks {
  readonly #holders = new Map<Float32Array, number>();

  /** A moment with these objects holds their masks. */
  hold(objects: Objects): void {
    for (const { soft } of objects.values()) {
      this.#holders.set(soft.values, (this.#holders.get(soft.values) ?? 0) + 1);
    }
  }

  /** A moment with these objects is gone; nobody else may have a mask that only it held. */
  letGo(objects: Objects): void {
    for (const { soft } of objects.values()) {
      const others = (this.#holders.get(soft.values) ?? 0) - 1;
      if (others > 0) this.#holders.set(soft.values, others);
      else if (this.#holders.delete(soft.values)) freeMemory(soft.values);
    }
  }
}
