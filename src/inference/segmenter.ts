import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import type { ModelInfo } from '../frame/model.ts';
import { HeldFeatures } from './held-features.ts';
import type { Manifest } from './manifest.ts';
import { pictureOf } from './picture.ts';
import type {
  DecodeRequest,
  Features,
  LoadedModel,
  Refined,
  RefineRequest,
  Segmented,
  TextInstance,
  TextRequest,
} from './requests.ts';
import { killWorker, type WorkerLane } from './worker-lane.ts';

/** What a {@link Segmenter} is made of; it closes the lanes. */
export type SegmenterParts = {
  readonly manifest: Manifest;
  readonly info: ModelInfo;
  /** Encoder, decoder and text. */
  readonly heavy: WorkerLane;
  /** The refiner alone, so that no encoder run delays a propagated frame; null without one. */
  readonly light: WorkerLane | null;
};

/** The calls of a loaded model, turned into jobs of its two lanes. */
export class Segmenter implements LoadedModel {
  readonly info: ModelInfo;
  readonly #heavy: WorkerLane;
  readonly #light: WorkerLane | null;
  readonly #live = new Set<HeldFeatures>();
  #nextFeatureId = 1;

  constructor(parts: SegmenterParts) {
    this.info = parts.info;
    this.#heavy = parts.heavy;
    this.#light = parts.light;
  }

  async encode(frame: Frame, signal: AbortSignal): Promise<Features> {
    const features = this.#hold(frame);
    let generation = -1;
    await this.#heavy.submit<'encode'>({
      build: (workerGeneration) => {
        generation = workerGeneration;
        return { kind: 'encode', id: features.id, picture: pictureOf(frame) };
      },
      urgent: false,
      signal,
      onSettled: (outcome) => {
        if (outcome === 'delivered') features.markHeld(generation);
        else features.close();
      },
    });
    return features;
  }

  async decode(
    features: Features,
    requests: readonly DecodeRequest[],
    signal: AbortSignal,
  ): Promise<Segmented[]> {
    for (const request of requests) this.#check(request);
    if (requests.length === 0) return [];
    const current = this.#own(features);
    const remembered = requests.flatMap(({ memory }) =>
      memory.map((earlier) => this.#own(earlier.features)),
    );
    // Owned until the worker is done: an abort lets the caller close while a run still reads.
    const needed = [current, ...remembered];
    for (const each of needed) each.retain();
    let generation = -1;
    return await this.#heavy.submit<'decode'>({
      build: (workerGeneration) => {
        generation = workerGeneration;
        const items = requests.map((request) => ({
          ...request,
          memory: request.memory.map((earlier) => ({
            features: this.#own(earlier.features).reference(workerGeneration),
            mask: earlier.mask,
          })),
        }));
        return { kind: 'decode', features: current.reference(workerGeneration), items };
      },
      urgent: true,
      signal,
      onSettled: (outcome) => {
        for (const each of needed) {
          if (outcome === 'delivered') each.markHeld(generation);
          each.close();
        }
      },
    });
  }

  async refine(requests: readonly RefineRequest[], signal: AbortSignal): Promise<Refined[]> {
    if (this.#light === null) throw unexpected('the model has no refiner');
    if (requests.length === 0) return [];
    return await this.#light.submit<'refine'>({
      build: () => ({ kind: 'refine', items: requests }),
      urgent: false,
      signal,
      onSettled: () => {},
    });
  }

  async findText(
    _features: Features,
    _query: TextRequest,
    _signal: AbortSignal,
  ): Promise<TextInstance[]> {
    throw unexpected('the model understands no text');
  }

  liveFeatures(): number {
    return this.#live.size;
  }

  async close(): Promise<void> {
    await Promise.all([this.#heavy.close(), this.#light?.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends a worker as a crash would; tests only. */
  async [killWorker](lane: 'heavy' | 'light' = 'heavy'): Promise<void> {
    await (lane === 'heavy' ? this.#heavy : this.#light)?.[killWorker]();
  }

  #hold(frame: Frame): HeldFeatures {
    const features = new HeldFeatures(this.#nextFeatureId++, frame, (freed) => {
      this.#live.delete(freed);
      this.#heavy.release(freed.id);
    });
    this.#live.add(features);
    return features;
  }

  #own(features: Features): HeldFeatures {
    if (features instanceof HeldFeatures && this.#live.has(features)) return features;
    throw unexpected('features are closed or of another model');
  }

  #check({ clicks, memory, prior }: DecodeRequest): void {
    const { maxClicks, memorySlots, maskSide } = this.info;
    if (clicks.length > maxClicks) {
      throw new SegmentationError(
        'too-many-prompts',
        `expected at most ${maxClicks} clicks on one object, got ${clicks.length}`,
      );
    }
    if (memory.length > memorySlots) {
      throw unexpected(`expected at most ${memorySlots} memories, got ${memory.length}`);
    }
    for (const mask of [prior, ...memory.map((earlier) => earlier.mask)]) {
      if (mask !== null && mask.length !== maskSide * maskSide) {
        throw unexpected(`expected masks of ${maskSide * maskSide} values, got ${mask.length}`);
      }
    }
  }
}

/** A caller's mistake: no client can cause it. */
function unexpected(message: string): SegmentationError {
  return new SegmentationError('internal', message);
}
