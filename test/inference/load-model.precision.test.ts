import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadManifest } from '../../src/inference/manifest-loader.ts';
import { loadModel, type LoadModelOptions } from '../../src/inference/load-model.ts';
import { writeManifest } from '../../src/inference/recognition/write-manifest.ts';
import { verifyModel } from '../../src/inference/verify-model.ts';
import { elementTypes, writeOnnx, type OnnxGraph } from '../fixtures/onnx-writer.ts';
import { plainFrame } from '../fixtures/painted-frames.ts';
import { writeToyModel, type LooseManifest, type ToyFolder } from '../fixtures/toy-model.ts';

/* One model with files of several precisions: which runs, what its tensors are, and what overflows. */

const { signal } = new AbortController();
const maps = { emb: [1, 3, 4, 4], f8: [1, 3, 4, 4], f4: [1, 3, 4, 4] };
const half = Object.fromEntries(['image', ...Object.keys(maps)].map((name) => [name, 'float16']));

/** The toy's encoder in float16, in and out; `power` 3 of pixels of 0..255 is beyond its range. */
function halfEncoder(power: 1 | 3): OnnxGraph {
  const wide = { op: 'Cast', inputs: ['image'], output: 'wide', attributes: { to: 1 } };
  const cubed = [
    { op: 'Mul', inputs: ['wide', 'wide'], output: 'square' },
    { op: 'Mul', inputs: ['square', 'wide'], output: 'cube' },
  ];
  return {
    inputs: { image: [1, 3, 4, 4] },
    outputs: maps,
    types: half as OnnxGraph['types'] & object,
    nodes: [
      wide,
      ...(power === 3 ? cubed : []),
      ...Object.keys(maps).map((output) => ({
        op: 'Cast',
        inputs: [power === 3 ? 'cube' : 'wide'],
        output,
        attributes: { to: elementTypes.float16 },
      })),
    ],
  };
}

const asHalf = (tensors: object) =>
  Object.fromEntries(Object.entries(tensors).map(([k, v]) => [k, { ...v, type: 'float16' }]));

async function withHalf(power: 1 | 3): Promise<ToyFolder & { readonly manifest: LooseManifest }> {
  const folder = await writeToyModel();
  const path = join(folder.directory, 'manifest.json');
  const manifest: LooseManifest = JSON.parse(await readFile(path, 'utf8'));
  const bytes = writeOnnx(halfEncoder(power));
  await writeFile(join(folder.directory, 'encoder_fp16.onnx'), bytes);
  const { encoder } = manifest.graphs;
  encoder.variants = {
    fp16: {
      file: 'encoder_fp16.onnx',
      bytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      inputs: asHalf(encoder.inputs),
      outputs: asHalf(encoder.outputs),
    },
  };
  await writeFile(path, JSON.stringify(manifest));
  return { ...folder, manifest };
}

async function answerOf(options: Omit<LoadModelOptions, 'signal'>): Promise<Float32Array> {
  await using model = await loadModel({ ...options, signal });
  using frame = plainFrame([126, 120, 140]);
  using features = await model.encode(frame, signal);
  const request = { clicks: [], box: null, prior: new Float32Array(16).fill(2), memory: [] };
  const [answer] = await model.decode(features, [request], signal);
  return answer!.logits;
}

test('a float16 encoder goes with a float32 decoder: tensors are converted where they meet', async () => {
  await using folder = await withHalf(1);
  const exact = await answerOf(folder);
  const found = await answerOf({ ...folder, precision: 'fp16' });
  expect(found).not.toEqual(exact);
  for (const [i, value] of found.entries()) expect(value / exact[i]!).toBeCloseTo(1, 3);
  const placement = { encoder: [{ provider: 'cpu', index: null }] };
  expect(await answerOf({ ...folder, precision: 'fp16', placement })).toEqual(found);
});

test('verify says what each graph ran in, and how far it agrees with float32', async () => {
  await using folder = await withHalf(1);
  const reference = await verifyModel({ ...folder, provider: 'cpu', signal });
  expect(reference).toMatchObject({ precision: 'fp32', agreement: null });
  const options = { ...folder, provider: 'cpu', precision: 'fp16', reference, signal } as const;
  const { precision, agreement } = await verifyModel(options);
  expect(precision).toBe('fp16 (fp32: decoder, refiner, text)');
  expect(agreement!.relativeError).toBeGreaterThan(0);
  expect(agreement!.relativeError).toBeLessThan(1e-3);
  expect(agreement!.iou).toBe(1);
});

test('a graph that overflows in float16 is refused with its name', async () => {
  await using folder = await withHalf(3);
  await expect(loadModel({ ...folder, precision: 'fp16', signal })).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringMatching(
      /encoder \(encoder_fp16\.onnx\): expected numbers in its output \w+, got some .* needs fp32/,
    ),
  });
  await using exact = await loadModel({ ...folder, signal });
  expect(exact.info.selfTest.passed).toBe(true);
});

test('a precision that the model lacks is an error that lists what it has', async () => {
  await using folder = await withHalf(1);
  await expect(loadModel({ ...folder, precision: 'q4', signal })).rejects.toMatchObject({
    code: 'usage',
    message: 'expected a precision that toy has (fp32, fp16), got "q4"',
  });
});

describe('a manifest that is written from files of several precisions', () => {
  test('has the most exact as the graph and the others as variants', async () => {
    await using folder = await withHalf(1);
    await rm(join(folder.directory, 'manifest.json'));
    const facts = { name: 'found', licence: 'MIT' };
    const { manifest } = await writeManifest(folder.directory, facts);
    expect(manifest.graphs.encoder).toMatchObject({
      file: 'encoder.onnx',
      variants: {
        fp16: { file: 'encoder_fp16.onnx', inputs: { image: { type: 'float16' } } },
      },
    });
    const lenient = { ...manifest, selfTest: { ...manifest.selfTest, minIou: 0 } };
    const options = { ...folder, adjust: () => lenient };
    const exact = await answerOf(options);
    for (const [i, value] of (await answerOf({ ...options, precision: 'fp16' })).entries()) {
      expect(value / exact[i]!).toBeCloseTo(1, 3);
    }
  });

  test('says the precision where the exact file is not there', async () => {
    await using folder = await withHalf(1);
    await rm(join(folder.directory, 'manifest.json'));
    await rm(join(folder.directory, 'encoder.onnx'));
    const { manifest } = await writeManifest(folder.directory, { name: 'found', licence: 'MIT' });
    expect(manifest.graphs.encoder).toMatchObject({
      file: 'encoder_fp16.onnx',
      precision: 'fp16',
    });
    expect(await loadManifest(folder.directory)).toEqual(manifest);
  });
});
