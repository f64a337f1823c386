import { SegmentationError } from '../frame/errors.ts';
import type { Frame } from '../frame/frame.ts';
import { wholeView, type View } from '../frame/geometry.ts';
import type { ModelInfo } from '../frame/model.ts';
import { HeldFeatures } from './worker/held-features.ts';
import type { Manifest, VocabularyEntry } from './manifest.ts';
import { parsePhrase } from './text/phrase.ts';
import { pictureOf } from './picture.ts';
import type {
  DecodeRequest,
  Features,
  Refined,
  RefineRequest,
  Segmented,
  TextInstance,
  TextRequest,
} from '../frame/ports.ts';
import type { LoadedModel } from './loaded-model.ts';
import { freezeWorker, killWorker, type WorkerQueue } from './worker/queue.ts';
import type { FeatureReference, WorkerJob, WorkerResults } from './worker/messages.ts';

/** What a {@link Segmenter} is made of; it closes the queues. */
export type SegmenterParts = {
  readonly manifest: Manifest;
  readonly info: ModelInfo;
  /** Encoder, decoder and text. */
  readonly encoder: WorkerQueue;
  /** The refiner alone, so that no encoder run delays a propagated frame; null without one. */
  readonly refiner: WorkerQueue | null;
};

/** The calls of a loaded model, turned into jobs of its two worker queues. */
export class Segmenter implements LoadedModel {
  readonly info: ModelInfo;
  readonly #encoder: WorkerQueue;
  readonly #refiner: WorkerQueue | null;
  readonly #vocabulary: readonly VocabularyEntry[] | null;
  /** Phrases may have any words. */
  readonly #findsPhrases: boolean;
  readonly #live = new Set<HeldFeatures>();
  #nextFeatureId = 1;

  constructor(parts: SegmenterParts) {
    this.info = parts.info;
    this.#encoder = parts.encoder;
    this.#refiner = parts.refiner;
    this.#vocabulary = parts.manifest.text?.vocabulary ?? null;
    this.#findsPhrases = parts.manifest.phrases !== null;
  }

  async encode(frame: Frame, signal: AbortSignal, view: View = wholeView): Promise<Features> {
    const features = this.#hold(frame, view);
    let generation = -1;
    await this.#encoder.submit<'encode'>({
      build: (workerGeneration) => {
        generation = workerGeneration;
        return { kind: 'encode', id: features.id, picture: pictureOf(frame, view) };
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
    const remembered = requests.flatMap(({ memory }) => memory.map((earlier) => earlier.features));
    return await this.#submitWith<'decode'>([features, ...remembered], signal, (reference) => ({
      kind: 'decode',
      features: reference(features),
      items: requests.map((request) => ({
        ...request,
        memory: request.memory.map((earlier) => ({
          features: reference(earlier.features),
          mask: earlier.mask,
        })),
      })),
    }));
  }

  async refine(requests: readonly RefineRequest[], signal: AbortSignal): Promise<Refined[]> {
    if (this.#refiner === null) throw unexpected('the model has no refiner');
    for (const request of requests) this.#checkCrop(request);
    if (requests.length === 0) return [];
    return await this.#refiner.submit<'refine'>({
      build: () => ({ kind: 'refine', items: requests }),
      urgent: false,
      signal,
      onSettled: () => {},
    });
  }

  async findText(
    features: Features,
    query: TextRequest,
    signal: AbortSignal,
  ): Promise<TextInstance[]> {
    if (this.#findsPhrases) return await this.#findPhrase(features, query, signal);
    if (this.#vocabulary === null) throw unexpected('the model understands no text');
    const { entry, colours } = parsePhrase(query.phrase, this.#vocabulary);
    this.#own(features);
    // The worker reads the pixels even after an abort has let the caller close the frame.
    const frame = query.frame.retain();
    const job = (reference: (of: Features) => FeatureReference): WorkerJob => ({
      kind: 'find-text',
      features: reference(features),
      query: {
        entry,
        colours,
        maxObjects: query.maxObjects,
        ...(query.minScore === undefined ? {} : { minScore: query.minScore }),
        picture: pictureOf(frame),
      },
    });
    return await this.#submitWith<'find-text'>([features], signal, job, () => frame.close());
  }

  waitingJobs(): { encoder: number; refiner: number } {
    return { encoder: this.#encoder.waiting, refiner: this.#refiner?.waiting ?? 0 };
  }

  hungThreads(): number {
    return this.#encoder.hungThreads + (this.#refiner?.hungThreads ?? 0);
  }

  liveFeatures(): number {
    return this.#live.size;
  }

  async close(): Promise<void> {
    await Promise.all([this.#encoder.close(), this.#refiner?.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends a worker as a crash would; tests only. */
  async [killWorker](queue: 'encoder' | 'refiner' = 'encoder'): Promise<void> {
    await (queue === 'encoder' ? this.#encoder : this.#refiner)?.[killWorker]();
  }

  /** Makes a worker hang on its next job; tests only. */
  [freezeWorker](queue: 'encoder' | 'refiner' = 'encoder'): void {
    (queue === 'encoder' ? this.#encoder : this.#refiner)?.[freezeWorker]();
  }

  async #findPhrase(
    features: Features,
    { phrase, maxObjects, minScore }: TextRequest,
    signal: AbortSignal,
  ): Promise<TextInstance[]> {
    const query = { phrase, maxObjects, ...(minScore === undefined ? {} : { minScore }) };
    return await this.#submitWith<'find-phrase'>([features], signal, (reference) => ({
      kind: 'find-phrase',
      features: reference(features),
      query,
    }));
  }

  /**
   * Submits a job that reads features. They are owned until the worker is done with them: an abort
   * lets the caller close while a run still reads.
   */
  #submitWith<Kind extends 'decode' | 'find-text' | 'find-phrase'>(
    needed: readonly Features[],
    signal: AbortSignal,
    makeJob: (reference: (of: Features) => FeatureReference) => WorkerJob,
    onSettled: () => void = () => {},
  ): Promise<WorkerResults[Kind]> {
    const held = needed.map((features) => this.#own(features).retain());
    let generation = -1;
    return this.#encoder.submit<Kind>({
      build: (workerGeneration) => {
        generation = workerGeneration;
        return makeJob((features) => this.#own(features).reference(workerGeneration));
      },
      urgent: true,
      signal,
      onSettled: (outcome) => {
        for (const features of held) {
          if (outcome === 'delivered') features.markHeld(generation);
          features.close();
        }
        onSettled();
      },
    });
  }

  #hold(frame: Frame, view: View): HeldFeatures {
    const features = new HeldFeatures(this.#nextFeatureId++, frame, view, (freed) => {
      this.#live.delete(freed);
      this.#encoder.release(freed.id);
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

  #checkCrop({ crop, prior, appearance }: RefineRequest): void {
    const { cropSide = 0, appearanceLength = 0 } = this.info.refiner ?? {};
    const plane = cropSide * cropSide;
    if (crop.length !== 3 * plane || prior.length !== plane) {
      throw unexpected(`expected a crop of ${cropSide} x ${cropSide} pixels and its prior`);
    }
    if (appearance !== null && appearance.length !== appearanceLength) {
      throw unexpected(`expected an appearance of ${appearanceLength}, got ${appearance.length}`);
    }
  }
}

/** A caller's mistake: no client can cause it. */
function unexpected(message: string): SegmentationError {
  return new SegmentationError('internal', message);
}
