import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadManifest } from '../../src/inference/manifest-loader.ts';
import { type LooseManifest, writeToyModel } from '../fixtures/toy-model.ts';

async function refusal(edit: (manifest: LooseManifest) => void): Promise<unknown> {
  await using folder = await writeToyModel(edit);
  return await loadManifest(folder.directory).catch((reason: unknown) => reason);
}

test('the shipped manifest and the toy manifest are valid', async () => {
  const shipped = await loadManifest(join(import.meta.dirname, '../../models/maskstream-tiny'));
  expect(shipped.name).toBe('maskstream-tiny');
  await using folder = await writeToyModel();
  expect((await loadManifest(folder.directory)).text?.vocabulary).toHaveLength(2);
});

test.each<[string, string, (manifest: LooseManifest) => void]>([
  ['an unknown layout', 'layout', (m) => (m.layout = 'sam9')],
  ['an unknown field', 'colour', (m) => (m.colour = 1)],
  ['a missing section', 'masks', (m) => delete m.masks],
  ['a path as file name', 'graphs.encoder.file', (m) => (m.graphs.encoder.file = '../x.onnx')],
  ['a hash of wrong length', 'graphs.decoder.sha256', (m) => (m.graphs.decoder.sha256 = 'ab')],
  [
    'a falling calibration',
    'iou.calibration',
    (m) =>
      (m.iou.calibration = [
        [0, 1],
        [1, 0],
      ]),
  ],
  [
    'raw scores that stand still',
    'iou.calibration',
    (m) =>
      (m.iou.calibration = [
        [0, 0],
        [0, 1],
      ]),
  ],
  ['an expected IoU above 1', 'iou.calibration', (m) => (m.iou.calibration[1][1] = 1.5)],
  ['no candidates', 'masks.candidates', (m) => (m.masks.candidates = 0)],
  [
    'a choice beyond the candidates',
    'unambiguousPromptCandidate',
    (m) => (m.masks.unambiguousPromptCandidate = 2),
  ],
  ['a refiner without its graph', 'refiner', (m) => delete m.graphs.refiner],
  ['a text graph without vocabulary', 'text', (m) => (m.text = null)],
  ['text that is not a prompt kind', 'prompts.kinds', (m) => (m.prompts.kinds = ['points', 'box'])],
  ['boxes without a route', 'prompts.box', (m) => (m.prompts.box = { route: 'none' })],
  ['a noun beyond the channels', 'channel', (m) => (m.text.vocabulary[0].channel = 2)],
  [
    'a border beyond the channels',
    'text.border',
    (m) => (m.text.border = { channel: 2, minProbability: 0.5 }),
  ],
  [
    'a tile that leaves the picture',
    'text.tiles',
    (m) => (m.text.tiles = [{ x: 0.5, y: 0, width: 0.6, height: 1 }]),
  ],
  [
    'a tile without area',
    'text.tiles',
    (m) => (m.text.tiles = [{ x: 0, y: 0, width: 0, height: 1 }]),
  ],
  ['crossed intervals', 'minInterval', (m) => (m.keyframes.minInterval = 9)],
])('%s is refused and named', async (_what, named, edit) => {
  expect(await refusal(edit)).toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining(named),
  });
});

test('a missing file and broken JSON are refused with their path', async () => {
  await using folder = await writeToyModel();
  const path = join(folder.directory, 'manifest.json');
  await writeFile(path, '{"formatVersion": 2,');
  await expect(loadManifest(folder.directory)).rejects.toMatchObject({
    code: 'model-load-failed',
    message: `${path} is not JSON`,
  });
  const nowhere = join(folder.directory, 'nowhere');
  await expect(loadManifest(nowhere)).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining(nowhere),
  });
});
