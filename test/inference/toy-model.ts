import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OnnxGraph, writeOnnx } from './onnx-writer.ts';

/*
 * A model of 4 x 4 pixels whose answers show what went in: it has every graph, open batches, and
 * loads in a moment.
 */

/** Side of the toy's pictures, masks and crops. */
export const toySide = 4;

const encoder: OnnxGraph = {
  inputs: { image: [1, 3, 4, 4] },
  outputs: { emb: [1, 3, 4, 4], f8: [1, 3, 4, 4], f4: [1, 3, 4, 4] },
  nodes: ['emb', 'f8', 'f4'].map((output) => ({ op: 'Identity', inputs: ['image'], output })),
};

/**
 * Candidate 0 = prior + mean of the embedding; candidate 1 = first memory mask + 10 x second.
 * Score 0 = sum of labels, score 1 = sum of coordinates. Presence = valid memories - has prior.
 */
const decoder: OnnxGraph = {
  inputs: {
    emb: [1, 3, 4, 4],
    f8: [1, 3, 4, 4],
    f4: [1, 3, 4, 4],
    points: ['N', 5, 2],
    labels: ['N', 5],
    mask: ['N', 1, 4, 4],
    has_mask: ['N'],
    mem_emb: ['N', 2, 3, 4, 4],
    mem_mask: ['N', 2, 1, 4, 4],
    mem_valid: ['N', 2],
  },
  outputs: { logits: ['N', 2, 4, 4], iou: ['N', 2], obj: ['N', 1] },
  integers: { one: [1], plane: [1, 2], columns: [-1, 2, 1, 1, 1] },
  floats: { weights: [1, 10] },
  nodes: [
    { op: 'ReduceMean', inputs: ['emb'], output: 'mean', attributes: { keepdims: 1 } },
    { op: 'Add', inputs: ['mask', 'mean'], output: 'first' },
    { op: 'Reshape', inputs: ['weights', 'columns'], output: 'slots' },
    { op: 'Mul', inputs: ['mem_mask', 'slots'], output: 'weighted' },
    { op: 'ReduceSum', inputs: ['weighted', 'one'], output: 'second', attributes: { keepdims: 0 } },
    { op: 'Concat', inputs: ['first', 'second'], output: 'logits', attributes: { axis: 1 } },
    { op: 'ReduceSum', inputs: ['labels', 'one'], output: 'sum', attributes: { keepdims: 1 } },
    { op: 'ReduceSum', inputs: ['points', 'plane'], output: 'xy', attributes: { keepdims: 0 } },
    { op: 'Unsqueeze', inputs: ['xy', 'one'], output: 'place' },
    { op: 'Concat', inputs: ['sum', 'place'], output: 'iou', attributes: { axis: 1 } },
    { op: 'ReduceSum', inputs: ['mem_valid', 'one'], output: 'known', attributes: { keepdims: 1 } },
    { op: 'Unsqueeze', inputs: ['has_mask', 'one'], output: 'given' },
    { op: 'Sub', inputs: ['known', 'given'], output: 'obj' },
  ],
};

/** Logits = prior + mean of the crop; score = mean of the prior; look = given look + 1. */
const refiner: OnnxGraph = {
  inputs: { crop: ['N', 3, 4, 4], prior: ['N', 1, 4, 4], appearance: ['N', 2, 3] },
  outputs: { logits: ['N', 1, 4, 4], iou: ['N', 1], appearance_out: ['N', 2, 3] },
  floats: { unit: [1] },
  nodes: [
    {
      op: 'ReduceMean',
      inputs: ['crop'],
      output: 'mean',
      attributes: { axes: [1, 2, 3], keepdims: 1 },
    },
    { op: 'Add', inputs: ['prior', 'mean'], output: 'logits' },
    {
      op: 'ReduceMean',
      inputs: ['prior'],
      output: 'iou',
      attributes: { axes: [2, 3], keepdims: 0 },
    },
    { op: 'Add', inputs: ['appearance', 'unit'], output: 'appearance_out' },
  ],
};

/** The picture's red and green as probabilities of `tomato` and `leaf`. */
const text: OnnxGraph = {
  inputs: { emb: [1, 3, 4, 4], f4: [1, 3, 4, 4] },
  outputs: { classes: [1, 2, 4, 4] },
  integers: { start: [0], end: [2], axis: [1] },
  floats: { unit: [1 / 255] },
  nodes: [
    { op: 'Slice', inputs: ['f4', 'start', 'end', 'axis'], output: 'part' },
    { op: 'Mul', inputs: ['part', 'unit'], output: 'classes' },
  ],
};

const graphs = { encoder, decoder, refiner, text };

/** Meaning of each tensor name, where they differ. */
const meanings: Readonly<Record<string, string>> = {
  emb: 'embedding',
  f8: 'features8',
  f4: 'features4',
  mask: 'prior',
  has_mask: 'hasPrior',
  mem_emb: 'memoryEmbedding',
  mem_mask: 'memoryMask',
  mem_valid: 'memoryValid',
  obj: 'presence',
  appearance_out: 'appearance',
};

/** A manifest as plain data, for tests that spoil it. */
// eslint-disable-next-line typescript/no-explicit-any
export type LooseManifest = any;

/** A folder with the toy model; `dispose` removes it. */
export type ToyFolder = AsyncDisposable & { readonly directory: string };

/** Writes the toy model, with its manifest changed by `edit`. */
export async function writeToyModel(
  edit: (manifest: LooseManifest) => void = () => {},
): Promise<ToyFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'maskstream-toy-'));
  const listed: Record<string, unknown> = {};
  for (const [role, graph] of Object.entries(graphs)) {
    const bytes = writeOnnx(graph);
    await writeFile(join(directory, `${role}.onnx`), bytes);
    listed[role] = {
      file: `${role}.onnx`,
      bytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      inputs: describeTensors(graph.inputs),
      outputs: describeTensors(graph.outputs),
    };
  }
  const manifest: LooseManifest = { ...settings(), graphs: listed };
  edit(manifest);
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
  return {
    directory,
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true }),
  };
}

function describeTensors(tensors: OnnxGraph['inputs']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, shape]) => [
      meanings[name] ?? name,
      { name, type: 'float32', shape },
    ]),
  );
}

function settings(): object {
  return {
    formatVersion: 1,
    name: 'toy',
    layout: 'maskstream',
    licence: 'Apache-2.0',
    preprocess: {
      width: 4,
      height: 4,
      fit: 'stretch',
      colour: 'rgb',
      range: '0-255',
      mean: null,
      std: null,
    },
    prompts: {
      kinds: ['points', 'box', 'mask', 'text'],
      coordinates: 'normalised',
      points: { slots: 5, positiveLabel: 1, negativeLabel: 0, paddingLabel: -1 },
      box: { route: 'first-two-points', topLeftLabel: 2, bottomRightLabel: 3 },
    },
    masks: { side: 4, candidates: 2, clearPromptCandidate: 0 },
    iou: {
      activation: 'none',
      calibration: [
        [-100, 0],
        [100, 1],
      ],
    },
    presence: { activation: 'sigmoid' },
    memory: { slots: 2 },
    batching: { kind: 'objects', maxObjects: 3 },
    refiner: {
      cropSide: 4,
      appearance: [2, 3],
      calibration: [
        [0, 0.2],
        [1, 0.8],
      ],
      maxConfidence: 1,
    },
    text: {
      vocabulary: [
        { noun: 'tomato', channel: 0, alsoKnownAs: ['love apple'] },
        { noun: 'leaf', channel: 1, alsoKnownAs: ['leaves'] },
      ],
      minProbability: 0.5,
      minAreaRatio: 0.05,
    },
    tracking: {
      memoryIntervalFrames: 5,
      minMemoryIou: 0.5,
      averageMemoryPass: false,
      decodePromptTwice: false,
      mirroredPromptLook: false,
      regionScale: null,
      minPresence: 0.5,
    },
    keyframes: { minInterval: 1, maxInterval: 5, minConfidence: 0.5 },
    selfTest: { picture: 'ellipse', seed: 1, prompt: 'box', minIou: 0 },
  };
}
