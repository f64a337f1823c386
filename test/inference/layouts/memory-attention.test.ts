import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cpu } from '../../../src/inference/engine/device.ts';
import { Graph } from '../../../src/inference/engine/graph.ts';
import { floatTensor } from '../../../src/inference/engine/onnxruntime.ts';
import { attendTo } from '../../../src/inference/layouts/memory-attention.ts';
import { writeOnnx, type OnnxGraph } from '../../fixtures/onnx-writer.ts';

const side = 2;
const dim = 2;
const tokens = side * side;

/**
 * Attention of NVIDIA's export, which takes objects as a batch: the embedding plus the sums of what it
 * is given, each in a decimal place of its own.
 */
const stacked: OnnxGraph = {
  inputs: {
    current_vision_feat: [1, 3, side, side],
    current_vision_pos_embed: [tokens, 1, 3],
    memory_0: ['B', 'n', 2 * dim],
    memory_1: ['B', 'k', dim, side, side],
    memory_pos_embed: ['B', 'L', dim],
    cond_frame_id_diff: [],
  },
  outputs: { image_embed: [1, 3, side, side] },
  floats: { pointerWeight: [1e-1], mapWeight: [1], placeWeight: [1e-3], ageWeight: [100] },
  nodes: [
    ['memory_0', 'pointerWeight'],
    ['memory_1', 'mapWeight'],
    ['memory_pos_embed', 'placeWeight'],
    ['cond_frame_id_diff', 'ageWeight'],
  ].flatMap(([name, weight], i, all) => [
    { op: 'ReduceSum', inputs: [name!], output: `${name}_sum`, attributes: { keepdims: 0 } },
    { op: 'Mul', inputs: [`${name}_sum`, weight!], output: `${name}_term` },
    {
      op: 'Add',
      inputs: [i === 0 ? 'current_vision_feat' : `so_far_${i - 1}`, `${name}_term`],
      output: i === all.length - 1 ? 'image_embed' : `so_far_${i}`,
    },
  ]),
};

const meanings: Readonly<Record<string, string>> = {
  current_vision_feat: 'current',
  current_vision_pos_embed: 'currentPositions',
  memory_0: 'pointers',
  memory_1: 'maps',
  memory_pos_embed: 'memoryPositions',
  cond_frame_id_diff: 'age',
  image_embed: 'embedding',
};

function described(tensors: OnnxGraph['inputs']) {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, shape]) => [
      meanings[name]!,
      { name, type: 'float32' as const, shape: [...shape] },
    ]),
  );
}

test('a bank of stacked maps goes in as feature maps, pointers whole, and one list of places', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'maskstream-attention-'));
  const bytes = writeOnnx(stacked);
  await writeFile(join(directory, 'attention.onnx'), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const graph = await Graph.open(
    {
      file: 'attention.onnx',
      bytes: bytes.byteLength,
      sha256,
      externalData: [],
      inputs: described(stacked.inputs),
      outputs: described(stacked.outputs),
    },
    { directory, role: 'memoryAttention', device: cpu, threads: 1 },
  );
  await rm(directory, { recursive: true });
  const map = (value: number) => new Float32Array(tokens * dim).fill(value);
  const features = {
    embedding: floatTensor(new Float32Array(3 * tokens), [1, 3, side, side]),
    positions: floatTensor(new Float32Array(3 * tokens), [1, 3, side, side]),
  };
  const bank = {
    maps: [
      { map: map(1), row: 2 },
      { map: map(2), row: 0 },
    ],
    pointers: [
      { pointer: new Float32Array(2 * dim).fill(1), age: 2 },
      { pointer: new Float32Array(2 * dim).fill(4), age: 1 },
    ],
  };
  const rules = {
    maps: 3,
    conditioningFrames: 1,
    tokensPerMap: tokens,
    dim,
    maxPointers: 4,
    tokensPerPointer: 2,
    values: 'float32',
    attention: 'stacked',
    constants: { file: 'c', bytes: 1, sha256, temporalPositions: null, noMemoryEmbedding: null },
  } as const;
  const timedPositions = [map(10), map(20), map(30)];
  const parts = { graphs: { memoryAttention: graph }, rules, positions: map(0), timedPositions };
  const attended = await attendTo(bank, features, parts);
  const [maps, pointers, places, age] = [8 * 1 + 8 * 2, 4 * 1 + 4 * 4, 8 * 30 + 8 * 10, 2];
  const sum = maps + pointers * 0.1 + places * 0.001 + age * 100;
  for (const value of attended.data as Float32Array) expect(value).toBeCloseTo(sum, 3);
});
