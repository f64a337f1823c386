import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { modelDirectory } from '../../../src/models/model-folders.ts';
import { captureCli } from '../../fixtures/capture-cli.ts';
import { quietRuntime } from '../../fixtures/quiet-runtime.ts';
import { filmScene } from '../../fixtures/scene-clip.ts';
import { startHubServer } from '../../fixtures/hub-server.ts';
import { writeSmallModel } from '../../fixtures/small-models.ts';
import { writeToyModel } from '../../fixtures/toy-model.ts';

await quietRuntime();

const before = process.env['MASKSTREAM_MODEL_CACHE'];
let cache = '';

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'maskstream-cache-'));
  process.env['MASKSTREAM_MODEL_CACHE'] = cache;
});
afterEach(async () => {
  await rm(cache, { recursive: true });
  if (before === undefined) delete process.env['MASKSTREAM_MODEL_CACHE'];
  else process.env['MASKSTREAM_MODEL_CACHE'] = before;
});

async function json(words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await captureCli(['models', ...words, '--json']);
  // On a slow machine there may be a line of progress.
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/expected/) });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('the list has the package’s model, and presets with source, licence and what was tested', async () => {
  const { models, presets } = await json(['list']);
  expect(models).toMatchObject([{ name: 'maskstream-tiny', from: 'package', problem: null }]);
  for (const preset of presets as Record<string, unknown>[]) {
    for (const field of ['name', 'repository', 'licence', 'source', 'tested']) {
      expect(preset[field], `${String(preset['name'])}.${field}`).toMatch(/\w/);
    }
  }
  const { stdout } = await captureCli(['models', 'list']);
  expect(stdout).toContain(`cache folder: ${cache}`);
  expect(stdout).toContain('sam2.1-tiny: SAM 2.1 Hiera-T by Meta');
});

test('of a model with a memory of its own the list says what it keeps of one object at most', async () => {
  await using folder = await writeSmallModel('sam2');
  await cp(folder.directory, join(cache, 'small-sam2'), { recursive: true });
  const { tokensPerMap, dim, tokensPerPointer } = folder.manifest.objectMemory;
  // Ten maps in bfloat16, and 31 pointers in float32.
  const objectBytes = 10 * tokensPerMap * dim * 2 + 31 * tokensPerPointer * dim * 4;
  const { models } = await json(['list']);
  expect(models).toMatchObject([
    { name: 'maskstream-tiny', objectBytes: null },
    { name: 'small-sam2', objectBytes },
  ]);
  const { stdout } = await captureCli(['models', 'list']);
  const [, small] = /^ {2}small-sam2 +(.*)$/m.exec(stdout) ?? [];
  expect(small).toContain(`${(objectBytes / 1e6).toFixed(1)} MB`);
});

test('a folder without a manifest gets one, and the self-test speaks of its answers', async () => {
  await using folder = await writeToyModel();
  await rm(join(folder.directory, 'manifest.json'));
  const { code, stdout, stderr } = await captureCli([
    'models',
    'add',
    folder.directory,
    '--name',
    'mine',
    '--licence',
    'MIT',
  ]);
  // Four by four pixels of a toy segment nothing: the manifest is there, the model is not good.
  expect(code).toBe(1);
  expect(stdout).toContain('recognised: maskstream');
  expect(stderr).toMatch(/self-test of mine on provider cpu: expected an IoU of at least 0\.5/);
  const text = await readFile(join(folder.directory, 'manifest.json'), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ name: 'mine', licence: 'MIT' });
});

test('a folder with a manifest is checked', async () => {
  await using folder = await writeToyModel();
  expect(await json(['add', folder.directory])).toMatchObject({ name: 'toy', family: null });
  await using broken = await writeToyModel((m) => (m.graphs.encoder.bytes = 7));
  const { code, stderr } = await captureCli(['models', 'add', broken.directory]);
  expect(code).toBe(1);
  expect(stderr).toContain('expected 7 bytes');
});

describe('verify', () => {
  test('compares 8-bit with float32 and counts operators', async () => {
    const { outcomes } = await json(['verify', 'maskstream-tiny']);
    const [whole, small] = outcomes as Record<string, Record<string, Record<string, number>>>[];
    expect(whole!['verification']).toMatchObject({
      precision: 'fp32',
      provider: 'cpu',
      agreement: null,
    });
    expect(small!['verification']).toMatchObject({ precision: 'int8 (fp32: decoder, text)' });
    const { agreement } = small!['verification']!;
    expect(agreement!['relativeError']).toBeGreaterThan(0);
    expect(agreement!['relativeError']).toBeLessThan(0.1);
    expect(agreement!['iou']).toBeGreaterThan(0.95);
    expect(small!['verification']).toMatchObject({
      places: { encoder: { CPUExecutionProvider: expect.any(Number) } },
    });
  });

  test('a provider that was asked for and is absent is an error that says how to get it', async () => {
    await using folder = await writeToyModel();
    const words = ['models', 'verify', folder.directory, '--provider', 'cuda'];
    const { code, stdout, stderr } = await captureCli(words);
    expect(code).toBe(1);
    expect(stdout).toMatch(/cpu +fp32 .*the reference\ncuda +fp32 +absent/);
    expect(stderr).toContain('docs/gpu.md has the recipe');
  });

  test('with a placement it says where each graph ran, and on which device', async () => {
    await using folder = await writeToyModel();
    const words = ['verify', folder.directory, '--placement', 'encoder=cpu*2,decoder=cpu'];
    const { outcomes } = await json(words);
    expect(outcomes).toMatchObject([
      { verification: { provider: 'cpu' } },
      {
        verification: {
          provider: 'encoder cpu*2, decoder cpu, text cpu, refiner cpu',
          agreement: { iou: 1 },
          places: {
            'encoder on cpu': { CPUExecutionProvider: expect.any(Number) },
            'decoder on cpu': { CPUExecutionProvider: expect.any(Number) },
          },
        },
      },
    ]);
    const absent = ['models', 'verify', folder.directory, '--placement', 'decoder=cuda:1'];
    const { code, stdout, stderr } = await captureCli(absent);
    expect(code).toBe(1);
    expect(stdout).toContain('cpu with a placement');
    expect(stderr).toContain('got "cuda:1"');
    const wrong = await captureCli(['models', 'verify', folder.directory, '--placement', 'x=cpu']);
    expect(wrong.code).toBe(2);
  });
});

test('bench times the parts', async () => {
  await using folder = await writeToyModel();
  const { costs, runs } = await json(['bench', folder.directory, '--runs', '3']);
  expect(runs).toBe(3);
  expect(costs).toMatchObject([{ provider: 'cpu', name: 'toy', stateBytes: null, agreement: null }]);
  const [{ workers }] = costs as [{ workers: unknown }];
  expect(workers).toMatchObject([
    { worker: 'encoder', devices: 'cpu', residentBytes: expect.any(Number) },
    { worker: 'refiner', devices: 'cpu' },
  ]);
  const [{ encoder, decoder }] = costs as [Record<string, { p50: number; p95: number }>];
  for (const part of [encoder, decoder]) {
    expect(part!.p50).toBeGreaterThan(0);
    expect(part!.p95).toBeGreaterThanOrEqual(part!.p50);
  }
});

describe('pull', () => {
  test('what came is recognised or said not to be, and kept', async () => {
    const files = { 'vision_encoder.onnx': Buffer.from('no graph'), 'constants.json': Buffer.of() };
    await using server = await startHubServer(files);
    const words = ['models', 'pull', 'sam2.1-tiny', '--from', server.base];
    const { code, stderr, stdout } = await captureCli(words);
    expect(code).toBe(1);
    expect(stdout).toContain('sam2.1-tiny: Tested: ');
    expect(stderr).toMatch(/cannot open .*sam2\.1-tiny\/vision_encoder\.onnx/);
    expect(server.requests[0]).toBe(
      '/api/models/square-zero-labs/sam2.1-tiny-video-onnx/tree/main?recursive=true',
    );
    expect(await readFile(join(cache, 'sam2.1-tiny/vision_encoder.onnx'), 'utf8')).toBe('no graph');
  });

  test('a mirror never gets the hub’s token', async () => {
    process.env['HF_TOKEN'] = 'secret';
    try {
      await using server = await startHubServer({}, { status: 401 });
      const words = ['models', 'pull', 'edgetam', '--from', server.base];
      const { code, stderr } = await captureCli(words);
      expect({ code, tokens: server.tokens }).toEqual({ code: 1, tokens: [undefined] });
      expect(stderr).toContain('the weights are gated (401)');
    } finally {
      delete process.env['HF_TOKEN'];
    }
  });
});

test('calibrate fits the embedded model’s scores and writes nothing where it is told so', async () => {
  const clips = await mkdtemp(join(tmpdir(), 'maskstream-clips-'));
  try {
    await filmScene(clips, 24);
    const report = await json(['calibrate', clips, '--model', 'maskstream-tiny', '--dry-run']);
    expect(report).toMatchObject({ written: false, clips: 1, eceHeldOut: null });
  } finally {
    await rm(clips, { recursive: true });
  }
});

test('a calibration that is worse on clips held out is refused with both figures', async () => {
  const clips = await mkdtemp(join(tmpdir(), 'maskstream-clips-'));
  const directory = await mkdtemp(join(tmpdir(), 'maskstream-model-'));
  try {
    await cp(modelDirectory('maskstream-tiny', cache), directory, { recursive: true });
    const path = join(directory, 'manifest.json');
    for (const [name, frames] of [['one', 24], ['two', 30]] as const) {
      await filmScene(join(clips, name), frames);
    }
    const words = ['calibrate', clips, '--model', directory];
    // What was fitted on these very clips is no better on half of them.
    expect(await json([...words, '--force'])).toMatchObject({ written: true, clips: 2 });
    const shipped = await readFile(path, 'utf8');
    const { code, stderr, stdout } = await captureCli(['models', ...words]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining('nothing written') });
    expect(stderr).toMatch(/held out of at most the 0\.\d{3} that the manifest has, got 0\.\d{3}/);
    expect(await readFile(path, 'utf8')).toBe(shipped);
  } finally {
    await rm(clips, { recursive: true });
    await rm(directory, { recursive: true });
  }
});

test.each([
  [[], 'expected one of list, add, pull, verify, bench, calibrate, got nothing'],
  [['lst'], 'got "lst"; did you mean list?'],
  [['add'], 'models add: expected a folder, got none'],
  [['pull', 'sam2.1-tyni'], 'got "sam2.1-tyni"; did you mean sam2.1-tiny?'],
  [['pull', 'edgetam', '--from', '/nowhere'], '--from: expected a URL or a folder'],
  [['bench', '--runs', 'many'], '--runs: expected a number from 1 to 10000, got "many"'],
  [['calibrate'], 'models calibrate: expected a folder of clips'],
])('models %j is a usage error', async (words, message) => {
  const { code, stderr } = await captureCli(['models', ...words]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
