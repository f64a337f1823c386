import type { Frame } from '../frame/frame.ts';
import { wholeView, type Box, type View } from '../frame/geometry.ts';
import type { ModelInfo } from '../frame/model.ts';
import type { ServerState } from './engine/kserve/server-call.ts';
import { HeldFeatures } from './worker/held-features.ts';
import type { Manifest } from './manifest.ts';
import { parsePhrase } from './text/phrase.ts';
import { pictureOf } from './picture.ts';
import { checkDecodeRequest, checkRefineRequest, unexpected } from './check-request.ts';
import type {
  DecodeRequest,
  Features,
  Refined,
  RefineRequest,
  Segmented,
  TextInstance,
  TextRequest,
} from '../frame/ports.ts';
import type { LoadedModel, ModelMemory, ModelUser, WorkerName } from './loaded-model.ts';
import type { WorkerPool } from './worker/pool.ts';
import { freezeWorker, killWorker } from './worker/queue.ts';
import type { FeatureReference, GraphPlaces, WorkerJob, WorkerResults } from './worker/messages.ts';

/** What a {@link Segmenter} is made of; it closes the pools. */
export type SegmenterParts = {
  readonly manifest: Manifest;
  readonly info: ModelInfo;
  /** Whether runs fail where a graph gives something that is no number. Default: false. */
  readonly checksOutputs?: boolean;
  /** What it took to load it. Default: nothing is known yet. */
  readonly memory?: ModelMemory;
  /** The encoder's workers; where there is no `decoder` the one that decodes, too. */
  readonly encoder: WorkerPool;
  /** Decoder, memory and text where they have workers of their own; features go there in shared memory. */
  readonly decoder: WorkerPool | null;
  /** The refiner alone, so that no encoder run delays a propagated frame; null without one. */
  readonly refiner: WorkerPool | null;
  /** Inference servers that run some of its graphs. Default: the model needs none. */
  readonly servers?: {
    /** How each stands. */
    readonly states: () => ServerState[];
    /** Whether one answers. */
    readonly isReachable: () => boolean;
    /** Whether graphs run here meanwhile, for users that may. */
    readonly fallsBack: boolean;
    /** Keyframes under way at a time; null where no server encodes. */
    readonly keyframesAtATime: number | null;
  };
};

/** Features that are held, whoever's they are. */
type Held = { readonly live: Set<HeldFeatures>; nextId: number };

/** Jobs of nobody in particular. */
const nobody: ModelUser = { owner: '' };

const countNodes = { kind: 'count-nodes' } as const;

/** The calls of a loaded model, turned into jobs of its worker pools. */
export class Segmenter implements LoadedModel {
  readonly info: ModelInfo;
  readonly memory: ModelMemory;
  readonly #parts: SegmenterParts;
  readonly #user: ModelUser;
  readonly #held: Held;
  readonly #encoder: WorkerPool;
  readonly #decoder: WorkerPool | null;
  readonly #refiner: WorkerPool | null;
  readonly #checksOutputs: boolean;

  constructor(parts: SegmenterParts, user: ModelUser = nobody, held?: Held) {
    this.info = parts.info;
    this.memory = parts.memory ?? { residentBytes: 0, workers: [] };
    this.#parts = parts;
    this.#user = user;
    this.#held = held ?? { live: new Set(), nextId: 1 };
    this.#encoder = parts.encoder;
    this.#decoder = parts.decoder;
    this.#refiner = parts.refiner;
    this.#checksOutputs = parts.checksOutputs ?? false;
  }

  forUser(user: ModelUser): Segmenter {
    return new Segmenter(this.#parts, user, this.#held);
  }

  keyframesAtATime(): number {
    const { servers } = this.#parts;
    const there = servers?.isReachable() ? servers.keyframesAtATime : null;
    return there ?? this.#encoder.size;
  }

  async encode(frame: Frame, signal: AbortSignal, view: View = wholeView): Promise<Features> {
    const features = this.#hold(frame, view);
    let generation = -1;
    const shared = await this.#encoder.submit<'encode'>({
      build: (workerGeneration) => {
        generation = workerGeneration;
        const picture = pictureOf(frame, view);
        return { kind: 'encode', id: features.id, picture, checksOutputs: this.#checksOutputs };
      },
      urgent: false,
      ...this.#user,
      signal,
      onSettled: (outcome) => {
        if (outcome === 'delivered') features.markHeld(generation);
        else features.close();
      },
    });
    if (shared !== null) features.share(shared);
    return features;
  }

  async decode(
    features: Features,
    requests: readonly DecodeRequest[],
    signal: AbortSignal,
  ): Promise<Segmented[]> {
    for (const request of requests) checkDecodeRequest(request, this.info);
    if (requests.length === 0) return [];
    const remembered = requests.flatMap(({ memory }) => memory.map((earlier) => earlier.features));
    return await this.#submitWith<'decode'>([features, ...remembered], signal, (reference) => ({
      kind: 'decode',
      checksOutputs: this.#checksOutputs,
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
    for (const request of requests) checkRefineRequest(request, this.info);
    if (requests.length === 0) return [];
    return await this.#refiner.submit<'refine'>({
      build: () => ({ kind: 'refine', items: requests }),
      urgent: false,
      ...this.#user,
      signal,
      onSettled: () => {},
    });
  }

  async findText(
    features: Features,
    query: TextRequest,
    signal: AbortSignal,
  ): Promise<TextInstance[]> {
    const { phrases, text } = this.#parts.manifest;
    // With a text encoder of its own it takes any words.
    if (phrases !== null) return await this.#findPhrase(features, query, signal);
    if (text === null) throw unexpected('the model understands no text');
    const { entry, colours } = parsePhrase(query.phrase, text.vocabulary);
    this.#own(features);
    const tiles = entry.tiled ? await this.#encodeTiles(query.frame, text.tiles, signal) : null;
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
        tiles: tiles?.map((tile) => ({ region: tile.region, features: reference(tile) })) ?? null,
      },
    });
    try {
      const needed = [features, ...(tiles ?? [])];
      return await this.#submitWith<'find-text'>(needed, signal, job, () => frame.close());
    } finally {
      for (const tile of tiles ?? []) tile.close();
    }
  }

  async countNodes(signal: AbortSignal): Promise<GraphPlaces[]> {
    const job = {
      build: () => countNodes,
      ...this.#user,
      urgent: false,
      signal,
      onSettled: () => {},
    };
    const found = await Promise.all(
      this.#pools().map((pool) => pool.submitToEach<'count-nodes'>(job)),
    );
    return found.flat(2);
  }

  isReachable(): boolean {
    const { isReachable, fallsBack } = this.#parts.servers ?? {};
    if (fallsBack && this.#user.mayFallBack) return true;
    return isReachable?.() ?? true;
  }

  waitingJobs(): { encoder: number; decoder: number; refiner: number } {
    return {
      encoder: this.#encoder.waiting,
      decoder: this.#decoder?.waiting ?? 0,
      refiner: this.#refiner?.waiting ?? 0,
    };
  }

  inferenceServers(): ServerState[] {
    return this.#parts.servers?.states() ?? [];
  }

  hungThreads(): number {
    return this.#pools().reduce((sum, { hungThreads }) => sum + hungThreads, 0);
  }

  liveFeatures(): number {
    return this.#held.live.size;
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools().map((pool) => pool.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Ends a worker as a crash would; tests only. */
  async [killWorker](pool: WorkerName = 'encoder'): Promise<void> {
    await this.#poolOf(pool)?.[killWorker]();
  }

  /** Makes a worker hang on its next job; tests only. */
  [freezeWorker](pool: WorkerName = 'encoder'): void {
    this.#poolOf(pool)?.[freezeWorker]();
  }

  #poolOf(name: WorkerName): WorkerPool | null {
    return { encoder: this.#encoder, decoder: this.#decoder, refiner: this.#refiner }[name];
  }

  #pools(): WorkerPool[] {
    return [this.#encoder, this.#decoder, this.#refiner].filter((pool) => pool !== null);
  }

  /** Zoomed crops for text where other workers decode; null: the worker that decodes makes them. */
  async #encodeTiles(
    frame: Frame,
    regions: readonly Box[],
    signal: AbortSignal,
  ): Promise<Features[] | null> {
    if (this.#decoder === null) return null;
    const views = regions.map((region) => ({ region, flipped: false }));
    const encoded = await Promise.allSettled(views.map((view) => this.encode(frame, signal, view)));
    const made = encoded.flatMap((tile) => (tile.status === 'fulfilled' ? [tile.value] : []));
    const failed = encoded.find((tile) => tile.status === 'rejected');
    if (failed === undefined) return made;
    for (const tile of made) tile.close();
    throw failed.reason;
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
    return (this.#decoder ?? this.#encoder).submit<Kind>({
      build: (workerGeneration) => {
        generation = workerGeneration;
        return makeJob((features) => this.#own(features).reference(workerGeneration));
      },
      urgent: true,
      ...this.#user,
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
    const features = new HeldFeatures(this.#held.nextId++, frame, view, (freed) => {
      this.#held.live.delete(freed);
      (this.#decoder ?? this.#encoder).release(freed.id);
    });
    this.#held.live.add(features);
    return features;
  }

  #own(features: Features): HeldFeatures {
    if (features instanceof HeldFeatures && this.#held.live.has(features)) return features;
    throw unexpected('features are closed or of another model');
  }
}
