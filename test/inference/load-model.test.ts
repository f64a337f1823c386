import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { liveFrames } from '../../src/frame/frame.ts';
import { loadModel, type LoadModelOptions } from '../../src/inference/load-model.ts';
import { quietRuntime } from '../fixtures/quiet-runtime.ts';
import { type LooseManifest, writeToyModel } from '../fixtures/toy-model.ts';

await quietRuntime();

const shipped = join(import.meta.dirname, '../../models/maskstream-tiny');
const { signal } = new AbortController();

async function refusal(options: Partial<LoadModelOptions> & { directory: string }): Promise<Error> {
  try {
    await using model = await loadModel({ signal, ...options });
    throw new Error(`expected ${model.info.name} not to load`);
  } catch (reason) {
    return reason as Error;
  }
}

async function refusalOf(edit: (manifest: LooseManifest) => void): Promise<Error> {
  await using folder = await writeToyModel(edit);
  return await refusal(folder);
}

test('a loaded model says what it is', async () => {
  await using folder = await writeToyModel();
  await using model = await loadModel({ ...folder, signal });
  expect(model.info).toMatchObject({
    name: 'toy',
    provider: 'cpu',
    promptKinds: ['points', 'box', 'mask', 'text'],
    vocabulary: ['tomato', 'leaf'],
    maskSide: 4,
    memorySlots: 2,
    maxClicks: 3,
    refiner: { cropSide: 4, appearanceLength: 6, maxConfidence: 1 },
    selfTest: { passed: true },
  });
  expect(model.liveFeatures()).toBe(0);
  expect(liveFrames()).toBe(0);
});

test.each<[string, string, (manifest: LooseManifest) => void]>([
  ['a file of another size', 'expected 7 bytes', (m) => (m.graphs.encoder.bytes = 7)],
  [
    'a file of another hash',
    `expected SHA-256 ${'0'.repeat(64)}`,
    (m) => (m.graphs.decoder.sha256 = '0'.repeat(64)),
  ],
  ['a file that is not there', 'cannot read', (m) => (m.graphs.text.file = 'absent.onnx')],
  [
    'a tensor of another name',
    'input image is not in the manifest',
    (m) =>
      (m.graphs.encoder.inputs = { image: { ...m.graphs.encoder.inputs.image, name: 'pixels' } }),
  ],
  [
    'a tensor that the manifest lacks',
    'graphs.decoder.inputs lacks "labels"',
    (m) => delete m.graphs.decoder.inputs.labels,
  ],
  [
    'a tensor without meaning',
    '"extra" has no meaning',
    (m) => (m.graphs.decoder.outputs.extra = { name: 'x', type: 'float32', shape: [1] }),
  ],
  [
    'another shape',
    'decoder.onnx input points: expected [N,6,2], got [N,5,2]',
    (m) => (m.graphs.decoder.inputs.points.shape = ['N', 6, 2]),
  ],
  [
    'another rank',
    'expected [3,4,4], got [1,3,4,4]',
    (m) => (m.graphs.encoder.inputs.image.shape = [3, 4, 4]),
  ],
  [
    'an open batch on a closed graph',
    'expected [B,3,4,4], got [1,3,4,4]',
    (m) => (m.graphs.encoder.inputs.image.shape = ['B', 3, 4, 4]),
  ],
  [
    'another type',
    'expected int64, got float32',
    (m) => (m.graphs.decoder.inputs.labels.type = 'int64'),
  ],
  ['a fit that the layout lacks', 'preprocess.fit', (m) => (m.preprocess.fit = 'longest-pad')],
  ['other memory slots', 'memory.slots', (m) => (m.memory.slots = 3)],
])('%s stops the load and is named', async (_what, named, edit) => {
  const error = await refusalOf(edit);
  expect(error).toMatchObject({ code: 'model-load-failed' });
  expect(error.message).toContain(named);
});

test('outputs that contradict the manifest fail the self-test, not a later frame', async () => {
  const error = await refusalOf((m) => {
    m.masks.candidates = 3;
    m.graphs.decoder.outputs.logits.shape = ['N', 3, 4, 4];
  });
  expect(error).toMatchObject({ code: 'model-load-failed' });
  expect(error.message).toContain('expected [N,3,4,4], got [N,2,4,4]');
});

test('a provider that is not there is an error, never a fall-back', async () => {
  await using folder = await writeToyModel();
  for (const provider of ['cuda', 'abacus', '']) {
    const error = await refusal({ ...folder, provider });
    expect(error).toMatchObject({ code: 'provider-unavailable' });
    expect(error.message).toContain('cpu');
  }
});

test('a graph that the self-test finds wrong does not load', async () => {
  await using folder = await writeToyModel((m) => (m.selfTest.minIou = 0.9));
  const error = await refusal(folder);
  expect(error).toMatchObject({ code: 'model-load-failed' });
  expect(error.message).toMatch(
    /self-test of toy on provider cpu: expected .* at least 0.9, got 0/,
  );
  expect(liveFrames()).toBe(0);
});

test('the quantised graph of a manifest is the one that runs, unless float32 is asked for', async () => {
  await using folder = await writeToyModel((m) => {
    m.graphs.encoder.quantised = { file: 'encoder-int8.onnx', bytes: 7, sha256: '0'.repeat(64) };
  });
  expect((await refusal(folder)).message).toContain('encoder-int8.onnx');
  await using model = await loadModel({ ...folder, precision: 'fp32', signal });
  expect(model.info.selfTest.passed).toBe(true);
});

test('one flipped byte in a shipped graph is found', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'maskstream-spoilt-'));
  try {
    await cp(shipped, directory, { recursive: true });
    const path = join(directory, 'decoder.onnx');
    const bytes = await readFile(path);
    bytes[1_000_000]! ^= 1;
    await writeFile(path, bytes);
    expect((await refusal({ directory })).message).toContain('expected SHA-256');
    await appendFile(path, 'x');
    expect((await refusal({ directory })).message).toContain('bytes, got');
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('an abort before or during the load ends it as cancelled', async () => {
  await using folder = await writeToyModel();
  const before = AbortSignal.abort();
  expect(await refusal({ ...folder, signal: before })).toMatchObject({ code: 'cancelled' });
  const during = new AbortController();
  const refused = refusal({ ...folder, signal: during.signal });
  setImmediate(() => during.abort());
  expect(await refused).toMatchObject({ code: 'cancelled' });
  expect(liveFrames()).toBe(0);
});
