import { join } from 'node:path';
import { deviceName, type Device } from './engine/device.ts';
import { countNodePlaces, type NodePlaces } from './engine/node-places.ts';
import { goldenPicture } from './golden-picture.ts';
import { loadModel, planModel } from './load-model.ts';
import { loadManifest } from './manifest-loader.ts';
import type { LoadedModel } from './loaded-model.ts';
import { devicesByRole, type Placement } from './placement.ts';
import type { Precision } from './manifest.ts';
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
  readonly signal: AbortSignal;
};

/** Logits of the generated picture's object: float32[side * side]. */
export type GoldenAnswer = { readonly logits: Float32Array };

/** How far two answers to the same picture agree. */
export type Agreement = {
  /** ‖a − b‖ / ‖b‖ of the logits. */
  readonly relativeError: number;
  /** IoU of the two masks. */
  readonly iou: number;
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
 * counts where the operators of each graph ran.
 *
 * Throws `model-load-failed`, `provider-unavailable`, `cancelled`.
 */
export async function verifyModel(options: VerifyOptions): Promise<Verification> {
  const { directory, signal } = options;
  const startMs = performance.now();
  await using model = await loadModel(options);
  const loadMs = performance.now() - startMs;
  const { manifest, plan, precisions } = planModel(await loadManifest(directory), options);
  const askedMs = performance.now();
  const logits = await goldenLogits(model, manifest.selfTest.seed, signal);
  const answerMs = performance.now() - askedMs;
  const places: Record<string, NodePlaces | { error: string }> = {};
  for (const [role, devices] of devicesByRole(plan)) {
    const path = join(directory, manifest.graphs[role]!.file);
    for (const device of distinctDevices(devices)) {
      signal.throwIfAborted();
      const name = options.placement === undefined ? role : `${role} on ${deviceName(device)}`;
      try {
        places[name] = await countNodePlaces(path, device);
      } catch (reason) {
        places[name] = { error: reason instanceof Error ? reason.message : String(reason) };
      }
    }
  }
  return {
    name: model.info.name,
    provider: model.info.provider,
    precision: describePrecisions(precisions),
    loadMs,
    answerMs,
    selfTestIou: model.info.selfTest.iou,
    places,
    logits,
    agreement: options.reference === undefined ? null : agree(logits, options.reference.logits),
  };
}

function distinctDevices(devices: readonly Device[]): Device[] {
  return [...new Map(devices.map((device) => [deviceName(device), device])).values()];
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
