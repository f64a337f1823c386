import { floatTensor, tensorOf, type Tensor } from '../engine/onnxruntime.ts';
import type { ObjectMemory } from '../../frame/ports.ts';
import type {
  Constants,
  Graphs,
  LayoutFeatures,
  MemoryPort,
  Recalled,
  RecallItem,
} from './layout.ts';
import { answerOf, type DecoderAnswer } from './memory-candidate.ts';
import { maskAsPrompt } from './mask-as-prompt.ts';
import { floats } from '../engine/float-tensors.ts';
import { attendTo, type AttentionParts } from './memory-attention.ts';
import { bankOf, remember } from './object-memory.ts';
import type { Manifest, ObjectMemoryManifest } from '../manifest.ts';
import { resampleSquare } from './resample-square.ts';

/** Logits of a mask that somebody gave, inside and outside. */
const givenLogit = 10;

/** What one keyframe of one object leaves: the answer, and whether it was prompted there. */
type Keyframe = DecoderAnswer & { readonly prompted: boolean };

/** Opens the memory of a model: where the tokens of a map lie is asked of its memory encoder once. */
export async function openSamMemory(
  graphs: Graphs,
  manifest: Manifest,
  constants: Constants,
): Promise<MemoryPort> {
  const rules = manifest.objectMemory;
  if (rules === null) throw new Error('the manifest has no objectMemory');
  const side = manifest.preprocess.width;
  const [, channels = 1] = graphs.decoder!.inputOf('embedding')!.shape as number[];
  const f = graphs.decoder!.inputOf('embedding')!.shape[2] as number;
  const { positions, temporal } = await encodeMemory(graphs, {
    embedding: floatTensor(new Float32Array(channels * f * f), [1, channels, f, f]),
    logits: new Float32Array(manifest.masks.side ** 2),
    highRes: new Float32Array(side * side),
    presence: 1,
    prompted: true,
  });
  const length = rules.tokensPerMap * rules.dim;
  const places = positions === null ? new Float32Array(length) : floats(positions).slice();
  if (places.length !== length) {
    throw new Error(`expected positions of ${length} values, got ${places.length}`);
  }
  const parts = {
    graphs,
    rules,
    positions: places,
    timedPositions: timed(places, rules, constants['temporalPositions'] ?? temporal),
  };
  return new SamMemory(parts, manifest, constants['noMemoryEmbedding'] ?? null);
}

class SamMemory implements MemoryPort {
  readonly #parts: AttentionParts;
  readonly #manifest: Manifest;
  readonly #noMemory: Float32Array | null;

  constructor(parts: AttentionParts, manifest: Manifest, noMemory: Float32Array | null) {
    this.#parts = parts;
    this.#manifest = manifest;
    this.#noMemory = noMemory;
  }

  async recall(features: LayoutFeatures, item: RecallItem): Promise<Recalled> {
    const { graphs, rules } = this.#parts;
    const keyframe = await this.#keyframe(features, item);
    const { map } = await encodeMemory(graphs, {
      ...keyframe,
      embedding: features['embedding']!,
    });
    const { prompted, pointer, logits, iou, presence } = keyframe;
    const objectMemory = remember(item.objectMemory, { prompted, map, pointer }, rules);
    return { found: { logits, scores: Float32Array.of(iou), presence }, objectMemory };
  }

  /**
   * A box, and the first prompt, speak for themselves; clicks on an object that is followed correct
   * what its memory says; without either the memory alone answers.
   */
  async #keyframe(features: LayoutFeatures, item: RecallItem): Promise<Keyframe> {
    if (item.isGiven && item.prior !== null) return await this.#given(features, item.prior);
    const { objectMemory: known, box, clicks } = item;
    const prompted = box !== null || clicks.length > 0;
    const embedding =
      known === null || box !== null
        ? this.#promptedEmbedding(features)
        : await this.#attended(features, known);
    return { ...(await this.#decode(features, embedding, item)), prompted };
  }

  /** A mask prompt: it is the answer; only its pointer comes from the model. */
  async #given(features: LayoutFeatures, mask: Float32Array): Promise<Keyframe> {
    const { width: side } = this.#manifest.preprocess;
    const inside = resampleSquare(mask, side).map((probability) => (probability >= 0.5 ? 1 : 0));
    const highRes = inside.map((value) => (value * 2 - 1) * givenLogit);
    return {
      logits: resampleSquare(highRes, this.#manifest.masks.side),
      highRes,
      iou: 1,
      presence: givenLogit,
      pointer: await this.#pointerOf(features, inside, mask),
      prompted: true,
    };
  }

  async #pointerOf(
    features: LayoutFeatures,
    inside: Float32Array,
    mask: Float32Array,
  ): Promise<Float32Array> {
    const { maskPrompt } = this.#parts.graphs;
    const { width: side } = this.#manifest.preprocess;
    if (maskPrompt !== undefined) {
      const outputs = await maskPrompt.run({
        ...maps(features, features['embedding']!),
        mask: floatTensor(inside, [1, 1, side, side]),
      });
      return floats(outputs['pointer']!);
    }
    const prompt = maskAsPrompt(mask, Math.sqrt(mask.length)) ?? { box: null, clicks: [] };
    const asked = {
      ...prompt,
      clicks: prompt.clicks.slice(0, this.#manifest.prompts.points.slots - 2),
    };
    return (await this.#decode(features, this.#promptedEmbedding(features), asked)).pointer;
  }

  async #decode(
    features: LayoutFeatures,
    embedding: Tensor,
    prompt: Pick<RecallItem, 'box' | 'clicks'>,
  ): Promise<DecoderAnswer> {
    const outputs = await this.#parts.graphs.decoder!.run({
      ...maps(features, embedding),
      ...this.#points(prompt),
    });
    return answerOf(outputs, prompt, this.#manifest.masks);
  }

  /** Points as float32[1, 1, N, 2], or [1, N, 2] where objects are a batch, in pixels of the input; without any, one that is padding. */
  #points({ box, clicks }: Pick<RecallItem, 'box' | 'clicks'>): Record<string, Tensor> {
    const { prompts, preprocess } = this.#manifest;
    const { positiveLabel, negativeLabel, paddingLabel } = prompts.points;
    const places: number[] = [];
    const values: number[] = [];
    const put = (x: number, y: number, label: number): void => {
      places.push(x * preprocess.width, y * preprocess.height);
      values.push(label);
    };
    if (box !== null && prompts.box.route === 'first-two-points') {
      put(box.x, box.y, prompts.box.topLeftLabel);
      put(box.x + box.width, box.y + box.height, prompts.box.bottomRightLabel);
    }
    for (const { x, y, label } of clicks) {
      put(x, y, label === 'positive' ? positiveLabel : negativeLabel);
    }
    if (values.length === 0) put(0, 0, paddingLabel);
    const count = values.length;
    const { type, shape } = this.#parts.graphs.decoder!.inputOf('labels')!;
    // Objects as a batch, or as a list of one picture.
    const lead = shape.length === 2 ? [1] : [1, 1];
    return {
      points: floatTensor(Float32Array.from(places), [...lead, count, 2]),
      labels: tensorOf(type, values, [...lead, count]),
    };
  }

  #promptedEmbedding(features: LayoutFeatures): Tensor {
    const given = features['promptedEmbedding'];
    if (given !== undefined) return given;
    const raw = features['embedding']!;
    const noMemory = this.#noMemory ?? new Float32Array(raw.dims[1]!);
    const plane = raw.dims[2]! * raw.dims[3]!;
    const added = floats(raw).map((value, i) => value + noMemory[Math.floor(i / plane)]!);
    return floatTensor(added, raw.dims);
  }

  async #attended(features: LayoutFeatures, known: ObjectMemory): Promise<Tensor> {
    return await attendTo(bankOf(known, this.#parts.rules), features, this.#parts);
  }
}

/** The feature maps that the decoder and the mask prompt take, with a given embedding. */
function maps(features: LayoutFeatures, embedding: Tensor): Record<string, Tensor> {
  return { features4: features['features4']!, features8: features['features8']!, embedding };
}

/** A keyframe as the memory encoder takes it: of the embedding as it is, and of the mask. */
async function encodeMemory(
  graphs: Graphs,
  seen: Pick<Keyframe, 'logits' | 'highRes' | 'presence' | 'prompted'> & {
    readonly embedding: Tensor;
  },
): Promise<{
  readonly map: Float32Array;
  readonly positions: Tensor | null;
  /** The temporal table, where the graph gives it. */
  readonly temporal: Float32Array | null;
}> {
  const graph = graphs.memoryEncoder!;
  const feeds: Record<string, Tensor> = { embedding: seen.embedding };
  if (graph.hasInput('highRes')) feeds['highRes'] = square(seen.highRes);
  if (graph.hasInput('logits')) feeds['logits'] = square(seen.logits);
  for (const [meaning, value] of [
    ['presence', seen.presence],
    ['prompted', seen.prompted ? 1 : 0],
  ] as const) {
    const input = graph.inputOf(meaning);
    if (input !== undefined) {
      feeds[meaning] = tensorOf(
        input.type,
        [value],
        input.shape.map(() => 1),
      );
    }
  }
  const outputs = await graph.run(feeds);
  const { map, positions, temporalPositions } = outputs;
  return {
    map: floats(map!),
    positions: positions ?? null,
    temporal: temporalPositions === undefined ? null : floats(temporalPositions).slice(),
  };
}

/** A square of values: float32[1, 1, side, side]. */
function square(values: Float32Array): Tensor {
  const side = Math.sqrt(values.length);
  return floatTensor(values, [1, 1, side, side]);
}

/** A map's places at each time, made once: attention adds them to tokens on every keyframe. */
function timed(
  places: Float32Array,
  { maps: rows, dim }: ObjectMemoryManifest,
  given: Float32Array | null,
): Float32Array[] {
  const table = given ?? new Float32Array(rows * dim);
  if (table.length !== rows * dim) {
    throw new Error(`expected temporal positions of ${rows} x ${dim}, got ${table.length} values`);
  }
  return Array.from({ length: rows }, (_, row) =>
    places.map((value, i) => value + table[row * dim + (i % dim)]!),
  );
}
