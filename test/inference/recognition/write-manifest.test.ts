import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import { loadModel } from '../../../src/inference/load-model.ts';
import { writeManifest } from '../../../src/inference/recognition/write-manifest.ts';
import { foreignModels } from '../../fixtures/foreign-exports.ts';
import { writeForeignModel } from '../../fixtures/foreign-models.ts';
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

test.each(Object.keys(foreignModels))(
  'an export of others is told and served: %s',
  async (name) => {
    await using folder = await writeForeignModel(name);
    const { directory } = folder;
    const byHand = await loadManifest(directory);
    await rm(join(directory, 'manifest.json'));
    const { manifest } = await writeManifest(directory, facts);
    const meanings = (graph: (typeof manifest.graphs)['decoder'], way: 'inputs' | 'outputs') =>
      Object.entries(graph[way])
        .filter(([meaning]) => !meaning.startsWith('unused'))
        .map(([meaning, tensor]) => `${meaning}: ${tensor.name} ${tensor.type}`)
        .toSorted();
    for (const role of ['encoder', 'decoder'] as const) {
      for (const way of ['inputs', 'outputs'] as const) {
        expect(meanings(manifest.graphs[role], way)).toEqual(meanings(byHand.graphs[role], way));
      }
    }
    const { fit, range } = byHand.preprocess;
    expect(manifest).toMatchObject({
      layout: 'sam',
      preprocess: { fit, range },
      presence: byHand.presence,
      masks: { ...byHand.masks, unambiguousPromptCandidate: 0 },
      iou: { activation: byHand.iou.activation },
    });
    const { kinds, coordinates, box, points } = byHand.prompts;
    expect({ ...manifest.prompts, points: manifest.prompts.points.padWithoutBox }).toEqual({
      kinds,
      coordinates,
      box,
      points: points.padWithoutBox,
    });
    // An encoder of open size is taken for a real one: the tiny graph resizes nothing.
    const { width, height } = byHand.preprocess;
    const preprocess = { ...manifest.preprocess, width, height };
    const lenient = { ...manifest, preprocess, selfTest: { ...manifest.selfTest, minIou: 0 } };
    await using model = await loadModel({ directory, signal, adjust: () => lenient });
    expect(model.info.name).toBe('found');
  },
);

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
