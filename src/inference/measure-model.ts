import { goldenPicture } from './golden-picture.ts';
import { loadModel, planModel, type LoadModelOptions } from './load-model.ts';
import type { WorkerMemory } from './loaded-model.ts';
import { loadManifest } from './manifest-loader.ts';
import { describePrecisions } from './precision.ts';
import { agree, goldenLogits, type Agreement, type GoldenAnswer } from './verify-model.ts';

/** Milliseconds of one part of a model: percentiles of single runs. */
export type PartTiming = { readonly p50: number; readonly p95: number };

/** Memory in use on one card. */
export type CardUse = { readonly card: string; readonly mb: number };

/** Asks for the memory in use on all cards; null where that cannot be told. */
export type ReadCards = () => Promise<readonly CardUse[] | null>;

/** What a model costs on one provider, through its workers, with pre- and post-processing. */
export type ModelCost = GoldenAnswer & {
  readonly name: string;
  readonly provider: string;
  /** What the graphs ran in: `fp32`, or `int8 (fp32: decoder)`. */
  readonly precision: string;
  /** Files checked, sessions created, self-test passed: until a server would serve. */
  readonly loadMs: number;
  /** The first answer after that: warm, as the self-test ran each graph. */
  readonly firstAnswerMs: number;
  readonly encoder: PartTiming;
  /** One object, asked for by a box. */
  readonly decoder: PartTiming;
  /** With the answer that was given as a reference; null without one. */
  readonly agreement: Agreement | null;
  /** What resident memory of this process grew by from before the load to the end of the runs. */
  readonly residentMb: number;
  /** What each worker holds. */
  readonly workers: readonly WorkerMemory[];
  /** What each card's memory in use grew by in the same time; null where that cannot be told. */
  readonly cards: readonly CardUse[] | null;
  /** Most bytes of state that the model keeps of one object; null where it keeps none. */
  readonly stateBytes: number | null;
};

/** Loads a model, runs its parts `runs` times and closes it. Throws as {@link loadModel}. */
export async function measureModel(
  options: LoadModelOptions & {
    readonly runs: number;
    readonly reference?: GoldenAnswer;
    readonly readCards?: ReadCards;
  },
): Promise<ModelCost> {
  const { runs, signal, reference } = options;
  const residentBefore = process.memoryUsage.rss();
  const cardsBefore = (await options.readCards?.()) ?? null;
  const startMs = performance.now();
  await using model = await loadModel({ ...options, startsInTurn: true });
  const loadMs = performance.now() - startMs;
  const { frame, box } = goldenPicture(1);
  using picture = frame;
  const request = { clicks: [], box, prior: null, memory: [] };
  const encoderMs: number[] = [];
  const decoderMs: number[] = [];
  let firstAnswerMs = 0;
  for (let run = 0; run <= runs; run++) {
    signal.throwIfAborted();
    const encodeAtMs = performance.now();
    using features = await model.encode(picture, signal);
    const decodeAtMs = performance.now();
    await model.decode(features, [request], signal);
    const doneAtMs = performance.now();
    if (run === 0) {
      firstAnswerMs = doneAtMs - encodeAtMs;
      continue;
    }
    encoderMs.push(decodeAtMs - encodeAtMs);
    decoderMs.push(doneAtMs - decodeAtMs);
  }
  const manifest = await loadManifest(options.directory);
  const { precisions } = planModel(manifest, options);
  const logits = await goldenLogits(model, manifest.selfTest.seed, signal);
  return {
    name: model.info.name,
    provider: model.info.provider,
    precision: describePrecisions(precisions),
    loadMs,
    firstAnswerMs,
    encoder: timing(encoderMs),
    decoder: timing(decoderMs),
    logits,
    agreement: reference === undefined ? null : agree(logits, reference.logits),
    residentMb: (process.memoryUsage.rss() - residentBefore) / 2 ** 20,
    workers: model.memory.workers,
    cards: grownBy(cardsBefore, (await options.readCards?.()) ?? null),
    stateBytes: model.info.objectMemory?.maxBytes ?? null,
  };
}

function grownBy(
  before: readonly CardUse[] | null,
  after: readonly CardUse[] | null,
): CardUse[] | null {
  if (before === null || after === null) return null;
  return after.map(({ card, mb }) => ({
    card,
    mb: mb - (before.find((one) => one.card === card)?.mb ?? 0),
  }));
}

function timing(milliseconds: readonly number[]): PartTiming {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}
