import { SegmentationError } from '../frame/errors.ts';
import type { ModelInfo } from '../frame/model.ts';
import { deviceName } from './engine/device.ts';
import type { NodePlaces } from './engine/node-places.ts';
import {
  goldenMemory,
  goldenMemoryFrames,
  leastMemoryFrames,
  type GoldenMemory,
} from './golden-memory.ts';
import { goldenPicture } from './golden-picture.ts';
import { loadModel, planModel } from './load-model.ts';
import { loadManifest } from './manifest-loader.ts';
import type { LoadedModel } from './loaded-model.ts';
import { devicesByRole, type Placement, type WorkerPlan } from './placement.ts';
import type { Manifest, Precision } from './manifest.ts';
import { describePrecisions } from './precision.ts';

/** Where and how a model is to be verified. */
export type VerifyOptions = {
  readonly directory: string;
  readonly provider: string;
  readonly placement?: Placement;
  readonly precision?: Precision;
  readonly threads?: number;
  /** The answer of another provider or precision to the same picture, to compare with. */
  readonly reference?: GoldenAnswer;
  /** Whether it is counted where operators ran, which loads the model once more. Default: true. */
  readonly countsPlaces?: boolean;
  /** Called as steps of this verification begin, and at its end. */
  readonly onStep?: (step: VerifyStep) => void;
  readonly signal: AbortSignal;
};

/** How far a verification is. */
export type VerifyStep = {
  /** Steps that are over, of all. */
  readonly done: number;
  readonly total: number;
  /** What begins now. */
  readonly what: string;
};

/** Where one answer takes longer, an object is followed over the fewest frames: a minute, not five. */
const slowAnswerMs = 4000;

/** Logits of the generated picture's object: float32[side * side]. */
export type GoldenAnswer = {
  readonly logits: Float32Array;
  /** Of the object while it moves; null or absent for a model that keeps no memory of it. */
  readonly memory?: GoldenMemory | null;
};

/** How far two answers to the same picture agree. */
export type Agreement = {
  /** ‖a − b‖ / ‖b‖ of the logits. */
  readonly relativeError: number;
  /** IoU of the two masks. */
  readonly iou: number;
  /** The same while the object moves, the worst of all frames; null for a model without a memory. */
  readonly memory?: { readonly relativeError: number; readonly iou: number } | null;
};

/** A model that passed its self-test on one provider. */
export type Verification = GoldenAnswer & {
  readonly name: string;
  readonly provider: string;
  /** What the graphs ran in: `fp32`, or `int8 (fp32: decoder)`. */
  readonly precision: string;
  /** Files checked, sessions created, self-test passed. */
  readonly loadMs: number;
  /** One more encoder and decoder run after the self-test. */
  readonly answerMs: number;
  /** IoU of the answer with the generated object's true mask. */
  readonly selfTestIou: number;
  /**
   * Operators per graph (`decoder`, with a placement `decoder on cuda:1`) and provider; a graph that does
   * not run on zeros says why.
   */
  readonly places: Readonly<Record<string, NodePlaces | { readonly error: string }>>;
  readonly agreement: Agreement | null;
};

/**
 * Loads a model on a provider, which runs its golden self-test, asks it once more and compares, and
 * counts where the operators of each graph ran. A model with a memory of its own follows the object over
 * eight frames, over three where an answer takes long, and over those of the reference.
 *
 * Throws `model-load-failed`, `provider-unavailable`, `cancelled`.
 */
export async function verifyModel(options: VerifyOptions): Promise<Verification> {
  const { directory, signal, reference, countsPlaces = true } = options;
  const { manifest, plan, precisions } = planModel(await loadManifest(directory), options);
  let frames = manifest.objectMemory === null ? 0 : goldenMemoryFrames;
  let done = 0;
  const begin = (what: string) => {
    options.onStep?.({ done: done++, total: 2 + frames + (countsPlaces ? 1 : 0), what });
  };
  begin('loading, self-test');
  const startMs = performance.now();
  await using model = await loadModel(options);
  const loadMs = performance.now() - startMs;
  const { info } = model;
  begin('answer');
  const askedMs = performance.now();
  const logits = await goldenLogits(model, manifest.selfTest.seed, signal);
  const answerMs = performance.now() - askedMs;
  if (info.objectMemory) {
    frames = reference?.memory?.length ?? framesFor(answerMs);
    begin(memoryStep(frames, answerMs));
  } else frames = 0;
  const onFrame = () => done < 2 + frames && begin(memoryStep(frames, answerMs));
  const memory = info.objectMemory
    ? await goldenMemory(model, manifest.selfTest.seed, { frames, onFrame, signal })
    : null;
  checkMemory(memory, info);
  await model.close();
  if (countsPlaces) begin('where operators run');
  const places = countsPlaces ? await countPlaces(manifest, plan, options) : {};
  begin('done');
  return {
    name: info.name,
    provider: info.provider,
    precision: describePrecisions(precisions),
    loadMs,
    answerMs,
    selfTestIou: info.selfTest.iou,
    places,
    logits,
    memory,
    agreement: reference === undefined ? null : agreeInAll({ logits, memory }, reference),
  };
}

function framesFor(answerMs: number): number {
  return answerMs > slowAnswerMs ? leastMemoryFrames : goldenMemoryFrames;
}

/** An estimate: attention to memory is not in the answer that was timed. */
function memoryStep(frames: number, answerMs: number): string {
  const seconds = Math.ceil((frames * answerMs) / 1000);
  return `memory over ${frames} of ${goldenMemoryFrames} frames, ${seconds} s or more`;
}

/** Throws `model-load-failed` where memory alone answered with something that is no number. */
function checkMemory(memory: GoldenMemory | null, { name, provider }: ModelInfo): void {
  const at = memory?.findIndex(({ logits }) => !logits.every(Number.isFinite)) ?? -1;
  if (at < 0) return;
  throw new SegmentationError(
    'model-load-failed',
    `memory of ${name} on provider ${provider}: expected logits on frame ${at + 1} of ` +
      `${memory?.length}, got values that are no numbers`,
  );
}

/**
 * Loads the model once more with the runtime's profiler, lets every graph run and counts where. The
 * self-test has every path of a memory; the refiner and text are not in it.
 */
async function countPlaces(
  manifest: Manifest,
  plan: WorkerPlan,
  options: VerifyOptions,
): Promise<Verification['places']> {
  const { signal, placement } = options;
  await using model = await loadModel({ ...options, profiles: true });
  await runTheRest(model, manifest, signal);
  const counted = await model.countNodes(signal);
  const places: Record<string, NodePlaces | { error: string }> = {};
  for (const [role, devices] of devicesByRole(plan)) {
    for (const device of new Set(devices.map(deviceName))) {
      const name = placement === undefined ? role : `${role} on ${device}`;
      const found = counted.find((one) => one.role === role && one.device === device);
      places[name] = found?.places ?? { error: 'it did not run' };
    }
  }
  return places;
}

async function runTheRest(
  model: LoadedModel,
  { refiner, text, phrases, selfTest }: Manifest,
  signal: AbortSignal,
): Promise<void> {
  if (refiner !== null) {
    const plane = refiner.cropSide ** 2;
    const request = {
      crop: new Float32Array(3 * plane),
      prior: new Float32Array(plane),
      appearance: null,
    };
    // One for each worker, at once.
    const workers = model.memory.workers.filter(({ worker }) => worker === 'refiner');
    await Promise.all(workers.map(() => model.refine([request], signal)));
  }
  const phrase = phrases?.anything ?? text?.vocabulary[0]?.noun;
  if (phrase === undefined) return;
  const workers = model.memory.workers.filter(({ worker }) => worker === 'decoder');
  const { frame } = goldenPicture(selfTest.seed);
  using picture = frame;
  using features = await model.encode(picture, signal);
  const query = { phrase, maxObjects: 1, frame: picture };
  const asked = Array.from({ length: Math.max(1, workers.length) });
  await Promise.all(asked.map(() => model.findText(features, query, signal)));
}

/** Logits of the generated picture's object, asked for by its box. */
export async function goldenLogits(
  model: LoadedModel,
  seed: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  const { frame, box } = goldenPicture(seed);
  using picture = frame;
  using features = await model.encode(picture, signal);
  const request = { clicks: [], box, prior: null, memory: [] };
  const [found] = await model.decode(features, [request], signal);
  if (found === undefined) throw new Error('the decoder gave no answer');
  return Float32Array.from(found.logits);
}

function agreeInAll(answer: GoldenAnswer, reference: GoldenAnswer): Agreement {
  const agreement = agree(answer.logits, reference.logits);
  const { memory } = reference;
  if (!memory || !answer.memory) return { ...agreement, memory: null };
  const frames = answer.memory.map(({ logits }, t) => agree(logits, memory[t]!.logits));
  const worst = {
    relativeError: Math.max(...frames.map(({ relativeError }) => relativeError)),
    iou: Math.min(...frames.map(({ iou }) => iou)),
  };
  return { ...agreement, memory: worst };
}

/** How far logits agree with a reference of the same side. */
export function agree(logits: Float32Array, reference: Float32Array): Agreement {
  let difference = 0;
  let size = 0;
  let both = 0;
  let either = 0;
  for (const [i, wanted] of reference.entries()) {
    const got = logits[i]!;
    difference += (got - wanted) ** 2;
    size += wanted ** 2;
    if (got > 0 && wanted > 0) both++;
    if (got > 0 || wanted > 0) either++;
  }
  return {
    relativeError: size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size),
    iou: either === 0 ? 1 : both / either,
  };
}
