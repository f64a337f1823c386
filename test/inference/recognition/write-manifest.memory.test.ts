import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import type { Manifest } from '../../../src/inference/manifest.ts';
import { loadModel } from '../../../src/inference/load-model.ts';
import { writeManifest } from '../../../src/inference/recognition/write-manifest.ts';
import { writeConceptModel } from '../../fixtures/concept-model.ts';
import { writePublicExport } from '../../fixtures/public-names.ts';
import type { Family, Variant } from '../../fixtures/small-models.ts';
import { writeStackedGraphs, writeStackedModel } from '../../fixtures/stacked-model.ts';

/* `models add` on the layouts with memory and with phrases: what it writes is what serves. */

const facts = { name: 'found', licence: 'MIT' };
const { signal } = new AbortController();

test.each([
  ['sam2', 'repeat-newest'],
  ['sam2', 'dynamic'],
  ['sam3', 'dynamic'],
  ['edgetam', 'masked-slots'],
] as const satisfies readonly [Family, Variant][])(
  'a tracker with its memory is told and loads: %s, %s',
  async (family, variant) => {
    await using folder = await writePublicExport(family, variant);
    const { directory } = folder;
    const byHand = folder.manifest as Manifest;
    const { manifest } = await writeManifest(directory, facts);
    expect(await loadManifest(directory)).toEqual(manifest);
    expect(manifest).toMatchObject({ ...facts, layout: 'sam-memory', presence: byHand.presence });
    const { constants, ...rules } = byHand.objectMemory!;
    const { constants: found, ...foundRules } = manifest.objectMemory!;
    expect(foundRules).toEqual(rules);
    expect(found).toMatchObject({ file: constants!.file, sha256: constants!.sha256 });
    expect(Object.keys(manifest.graphs).toSorted()).toEqual(Object.keys(byHand.graphs).toSorted());
    for (const [role, graph] of Object.entries(byHand.graphs)) {
      const written = manifest.graphs[role as keyof typeof manifest.graphs];
      expect(Object.keys(written!.inputs).toSorted()).toEqual(
        Object.keys(graph?.inputs ?? {}).toSorted(),
      );
    }
    expect(manifest.masks.side).toBe(byHand.masks.side);
    const lenient = { ...manifest, selfTest: { ...manifest.selfTest, minIou: 0 } };
    await using model = await loadModel({ directory, signal, adjust: () => lenient });
    expect(model.info.objectMemory).toMatchObject({ maskPrompts: 'exact' });
  },
);

test('NVIDIA’s export, objects as a batch, needs no file beside its graphs', async () => {
  await using folder = await writeStackedGraphs();
  const { family, manifest } = await writeManifest(folder.directory, facts);
  expect(family).toBe('SAM 2 with memory, objects as a batch');
  expect(manifest.objectMemory).toMatchObject({
    attention: 'stacked',
    tokensPerMap: 4,
    dim: 2,
    tokensPerPointer: 2,
    conditioningFrames: 1,
    constants: null,
  });
  await using lenient = await writeStackedModel();
  await using model = await loadModel({ ...lenient, signal });
  expect(model.info.objectMemory).toMatchObject({ maskPrompts: 'box-and-points' });
});

test.each(['usls', 'samexporter'] as const)(
  'SAM 3 with phrases is told and loads: %s',
  async (kind) => {
    await using folder = await writeConceptModel(kind);
    const { directory } = folder;
    const byHand = await loadManifest(directory);
    const path = join(directory, 'manifest.json');
    await rm(path);
    const { manifest } = await writeManifest(directory, facts);
    expect(manifest).toMatchObject({
      layout: 'concept',
      prompts: { kinds: byHand.prompts.kinds, box: byHand.prompts.box },
      masks: { side: byHand.masks.side, candidates: 1 },
      iou: { activation: byHand.iou.activation },
      presence: byHand.presence,
      preprocess: { range: byHand.preprocess.range },
      phrases: { contextLength: byHand.phrases!.contextLength, anything: 'visual' },
    });
    const lenient = { ...manifest, selfTest: { ...manifest.selfTest, minIou: 0 } };
    await using model = await loadModel({ directory, signal, adjust: () => lenient });
    expect(model.info.promptKinds).toContain('text');
  },
);

test('phrases need their tokenizer, and its own ids are taken', async () => {
  await using folder = await writeConceptModel('usls');
  const { directory } = folder;
  await rm(join(directory, 'manifest.json'));
  const path = join(directory, 'tokenizer.json');
  const file = JSON.parse(await readFile(path, 'utf8')) as object;
  await rm(path);
  await expect(writeManifest(directory, facts)).rejects.toThrow(/tokenizer\.json, the tokenizer/);
  const added = [
    { content: '<|startoftext|>', id: 7 },
    { content: '<|endoftext|>', id: 8 },
  ];
  await writeFile(path, JSON.stringify({ ...file, added_tokens: added }));
  const { manifest } = await writeManifest(directory, facts);
  expect(manifest.phrases).toMatchObject({ startId: 7, endId: 8 });
});
