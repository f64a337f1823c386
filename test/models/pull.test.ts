import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pullPreset, type PullSource } from '../../src/models/pull.ts';
import type { Preset } from '../../src/models/presets.ts';
import { startHubServer } from '../fixtures/hub-server.ts';

const preset: Preset = {
  name: 'toy',
  repository: 'owner/name',
  revision: 'main',
  licence: 'MIT',
  source: 'a test',
  tested: 'here',
  files: /^onnx\/\w+\.onnx$|^constants\.json$/,
  served: true,
};
const files = {
  'onnx/encoder.onnx': Buffer.from('encoder'),
  'constants.json': Buffer.from('{}'),
  'picture.png': Buffer.from('not wanted'),
};
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskstream-pull-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

const hubSource = (base: string): PullSource => ({
  kind: 'hub',
  hub: { base, token: null, retryDelaysMs: [], signal: new AbortController().signal },
});

async function pull(source: PullSource): Promise<string[]> {
  const seen: string[] = [];
  await pullPreset(preset, folder, { source, onProgress: (file) => seen.push(file) });
  return [...new Set(seen)];
}

test('the wanted files come, and a second pull fetches none of them again', async () => {
  await using server = await startHubServer(files);
  expect(await pull(hubSource(server.base))).toEqual(['onnx/encoder.onnx', 'constants.json']);
  expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(
    ['constants.json', 'onnx', 'onnx/encoder.onnx', 'pulled.json'].toSorted(),
  );
  expect(await pull(hubSource(server.base))).toEqual([]);
});

test('a file that is damaged here is fetched again', async () => {
  await using server = await startHubServer(files);
  await pull(hubSource(server.base));
  await writeFile(join(folder, 'onnx/encoder.onnx'), 'damaged');
  expect(await pull(hubSource(server.base))).toEqual(['onnx/encoder.onnx']);
});

test.each(['onnx/encoder.onnx', 'constants.json'])(
  'another %s than on first use is an error',
  async (path) => {
    await using first = await startHubServer(files);
    await pull(hubSource(first.base));
    await using later = await startHubServer({ ...files, [path]: Buffer.from('changed!') });
    await rm(join(folder, path));
    const error = await pull(hubSource(later.base)).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'download-failed' });
    expect((error as Error).message).toMatch(/as on first use, got .* it has changed since/);
  },
);

test('a folder stands in for the hub', async () => {
  const mirror = await mkdtemp(join(tmpdir(), 'maskstream-mirror-'));
  await mkdir(join(mirror, 'onnx'));
  for (const [path, bytes] of Object.entries(files)) await writeFile(join(mirror, path), bytes);
  try {
    expect(await pull({ kind: 'folder', folder: mirror })).toEqual([
      'constants.json',
      'onnx/encoder.onnx',
    ]);
  } finally {
    await rm(mirror, { recursive: true });
  }
});

test('a place without graphs is an error that says what is there', async () => {
  await using server = await startHubServer({ 'constants.json': Buffer.from('{}') });
  await expect(pull(hubSource(server.base))).rejects.toThrow(/expected graphs .* got constants.json/);
  await expect(pull({ kind: 'folder', folder: join(folder, 'nowhere') })).rejects.toMatchObject({
    code: 'unreadable-file',
  });
});
