import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import { loadModel } from '../../../src/inference/load-model.ts';
import { writeManifest } from '../../../src/inference/recognition/write-manifest.ts';
import { writeToyModel } from '../../fixtures/toy-model.ts';

const facts = { name: 'found', licence: 'MIT' };
const { signal } = new AbortController();

test('a manifest that is written from the graphs alone loads and answers', async () => {
  await using folder = await writeToyModel();
  const { directory } = folder;
  const original = await loadManifest(directory);
  await rm(join(directory, 'manifest.json'));
  const { family, manifest } = await writeManifest(directory, facts);
  expect(family).toBe('maskstream');
  expect(await loadManifest(directory)).toEqual(manifest);
  expect(manifest).toMatchObject({ ...facts, layout: 'maskstream', memory: { slots: 2 } });
  for (const role of ['encoder', 'decoder', 'refiner'] as const) {
    expect(manifest.graphs[role]).toMatchObject({
      file: original.graphs[role]?.file,
      sha256: original.graphs[role]?.sha256,
      bytes: original.graphs[role]?.bytes,
    });
  }
  expect(Object.keys(manifest.graphs.decoder.inputs).toSorted()).toEqual(
    Object.keys(original.graphs.decoder.inputs).toSorted(),
  );
  const lenient = { ...manifest, selfTest: { ...manifest.selfTest, minIou: 0 } };
  await using model = await loadModel({ directory, signal, adjust: () => lenient });
  expect(model.info).toMatchObject({ name: 'found', maskSide: 4, memorySlots: 2 });
});

test('a manifest that is there is never written over', async () => {
  await using folder = await writeToyModel();
  const before = await readFile(join(folder.directory, 'manifest.json'), 'utf8');
  await expect(writeManifest(folder.directory, facts)).rejects.toThrow(/EEXIST/);
  expect(await readFile(join(folder.directory, 'manifest.json'), 'utf8')).toBe(before);
});

test('graphs of no family are an error that lists what each has', async () => {
  await using folder = await writeToyModel();
  const { directory } = folder;
  await rm(join(directory, 'encoder.onnx'));
  await expect(writeManifest(directory, facts)).rejects.toThrow(
    /expected the graphs of a family.*refiner\.onnx \(crop, prior, appearance -> /s,
  );
});

test.each([
  [
    'a text file for a graph',
    async (path: string) => await writeFile(path, 'hello'),
    /cannot open/,
  ],
  ['no graphs at all', async (path: string) => await rm(path), /expected the graphs|\.onnx files/],
])('%s is an error at once', async (_, spoil, message) => {
  await using folder = await writeToyModel();
  await spoil(join(folder.directory, 'encoder.onnx'));
  await expect(writeManifest(folder.directory, facts)).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringMatching(message),
  });
});
