import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadManifest } from '../../src/inference/manifest-loader.ts';
import { upgradeManifest } from '../../src/inference/manifest-upgrade.ts';
import { loadModel } from '../../src/inference/load-model.ts';
import { writeToyModel } from '../fixtures/toy-model.ts';

/** The embedded model's manifest as version 0.1.0 published it. */
const firstFormat = join(import.meta.dirname, '../fixtures/manifest-v1.json');

test('a manifest of format 1 is read with every value under its name of format 2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'manifest-'));
  try {
    await copyFile(firstFormat, join(folder, 'manifest.json'));
    const { formatVersion, masks, tracking, ...rest } = await loadManifest(folder);
    expect(formatVersion).toBe(2);
    expect(masks).toEqual({
      side: 96,
      candidates: 3,
      unambiguousPromptCandidate: 0,
      choice: 'score',
    });
    expect(tracking).toEqual({
      memoryIntervalFrames: 20,
      minMemoryIou: 0.5,
      averageMemoryPass: false,
      decodePromptTwice: true,
      averageFlipPass: true,
      regionScale: 2,
      minPresence: 0.12,
    });
    const written = JSON.parse(await readFile(firstFormat, 'utf8'));
    expect(rest.graphs.encoder).toMatchObject(written.graphs.encoder);
    expect(rest.iou).toEqual(written.iou);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a model whose manifest is of format 1 loads and passes its self-test', async () => {
  await using folder = await writeToyModel((manifest) => {
    manifest.formatVersion = 1;
    const { unambiguousPromptCandidate, ...masks } = manifest.masks;
    manifest.masks = { ...masks, clearPromptCandidate: unambiguousPromptCandidate };
    const { averageFlipPass: _unknownThen, ...tracking } = manifest.tracking;
    manifest.tracking = { ...tracking, mirroredPromptLook: true };
  });
  const { signal } = new AbortController();
  await using model = await loadModel({ directory: folder.directory, threads: 1, signal });
  expect(model.info.selfTest.passed).toBe(true);
  expect(model.info.tracking.averageFlipPass).toBe(true);
});

test.each([
  ['an unknown format', { formatVersion: 3, masks: { clearPromptCandidate: 0 } }],
  ['format 2', { formatVersion: 2, tracking: { averageFlipPass: true } }],
  ['no manifest at all', ['formatVersion', 1]],
  ['nothing', null],
])('%s is left to the schema', (_what, manifest) => {
  expect(upgradeManifest(manifest)).toBe(manifest);
});

test('a format that is not known is refused, with the ones that are', async () => {
  await using folder = await writeToyModel((manifest) => (manifest.formatVersion = 3));
  await expect(loadManifest(folder.directory)).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining('formatVersion: expected 1 or 2, got 3'),
  });
});
