import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadModel } from '../../src/inference/load-model.ts';
import { writeOnnx, type OnnxGraph } from '../fixtures/onnx-writer.ts';
import { writeSmallModel, type ModelFolder } from '../fixtures/small-models.ts';
import type { LooseManifest } from '../fixtures/toy-model.ts';

/*
 * What a folder from elsewhere may have wrong: each stops the load with a clear error, and none waits
 * for a stream to fail on it.
 */

const { signal } = new AbortController();

type Spoiling = (folder: ModelFolder) => Promise<void> | void;

/** The manifest with one part of it changed on disk. */
async function rewrite(
  folder: ModelFolder,
  edit: (manifest: LooseManifest) => void,
): Promise<void> {
  edit(folder.manifest);
  await writeFile(join(folder.directory, 'manifest.json'), JSON.stringify(folder.manifest));
}

/** Other bytes for a file that the manifest lists, with a size and hash that are right. */
async function replace(folder: ModelFolder, listed: LooseManifest, bytes: Buffer): Promise<void> {
  await writeFile(join(folder.directory, listed.file), bytes);
  await rewrite(folder, () => {
    listed.bytes = bytes.byteLength;
    listed.sha256 = createHash('sha256').update(bytes).digest('hex');
  });
}

/** Positions of pointers by an `If` whose shape is wrong only where there are two keyframes or more. */
const wrongBranch: OnnxGraph = {
  inputs: { ages: ['N'] },
  outputs: { positions: ['N', 'D'] },
  floats: {
    bound: [0.1],
    short: Array.from({ length: 63 }, () => 1),
    row: Array.from({ length: 64 }, () => 1),
  },
  integers: { axis: [1] },
  nodes: [
    { op: 'ReduceSum', inputs: ['ages'], output: 'sum', attributes: { keepdims: 0 } },
    { op: 'Squeeze', inputs: ['bound'], output: 'limit' },
    { op: 'Greater', inputs: ['sum', 'limit'], output: 'isOld' },
    { op: 'Unsqueeze', inputs: ['ages', 'axis'], output: 'column' },
    {
      op: 'If',
      inputs: ['isOld'],
      output: 'positions',
      branches: {
        then_branch: {
          inputs: {},
          outputs: { thenOut: ['N', 63] },
          nodes: [{ op: 'Mul', inputs: ['column', 'short'], output: 'thenOut' }],
        },
        else_branch: {
          inputs: {},
          outputs: { elseOut: ['N', 64] },
          nodes: [{ op: 'Mul', inputs: ['column', 'row'], output: 'elseOut' }],
        },
      },
    },
  ],
};

const cases: [string, string, Spoiling][] = [
  [
    'a name with two letters changed round',
    'memoryAttention.onnx input maps is not in the manifest',
    (folder) =>
      rewrite(folder, ({ graphs }) => {
        graphs.memoryAttention.inputs.maps.name = 'mpas';
      }),
  ],
  [
    'a graph that is not there',
    'cannot read',
    (folder) => rm(join(folder.directory, folder.manifest.graphs.maskPrompt.file)),
  ],
  [
    'external data that is not there',
    'encoder.onnx.weights',
    (folder) => rm(join(folder.directory, folder.manifest.graphs.encoder.externalData[0].file)),
  ],
  [
    'external data that the manifest does not list',
    'cannot open onnx/encoder.onnx',
    (folder) => rewrite(folder, ({ graphs }) => (graphs.encoder.externalData = [])),
  ],
  [
    'weights of another hash',
    'expected SHA-256',
    async (folder) => {
      const path = join(folder.directory, folder.manifest.graphs.decoder.externalData[0].file);
      const bytes = await readFile(path);
      bytes[0]! ^= 1;
      await writeFile(path, bytes);
    },
  ],
  [
    'a text file under the name of a graph',
    'cannot open onnx/decoder.onnx',
    (folder) =>
      replace(
        folder,
        folder.manifest.graphs.decoder,
        Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      ),
  ],
  [
    'weights that are no numbers',
    'expected',
    (folder) => {
      const [stored] = folder.manifest.graphs.memoryEncoder.externalData;
      const nothing = new Float32Array(stored.bytes / 4).fill(Number.NaN);
      return replace(folder, stored, Buffer.from(nothing.buffer));
    },
  ],
  [
    'a wrong shape inside an If',
    'onnx/pointerPositions.onnx: expected positions [N0,64], got [2,63]',
    async (folder) => {
      const { pointerPositions } = folder.manifest.graphs;
      pointerPositions.externalData = [];
      pointerPositions.inputs.ages.name = 'ages';
      pointerPositions.outputs.positions.name = 'positions';
      await replace(folder, pointerPositions, writeOnnx(wrongBranch));
    },
  ],
  [
    'constants without the table',
    'expected numbers under temporalPositions',
    (folder) => replace(folder, folder.manifest.objectMemory.constants, Buffer.from('{}')),
  ],
  [
    'constants that are not JSON',
    'constants.json is not JSON',
    (folder) => replace(folder, folder.manifest.objectMemory.constants, Buffer.from('table')),
  ],
  [
    'a table of another size',
    'expected 7 x 64 numbers',
    (folder) =>
      replace(
        folder,
        folder.manifest.objectMemory.constants,
        Buffer.from('{ "temporalPositions": [[1, 2]] }'),
      ),
  ],
  [
    'no graph for attention',
    'graphs.memoryAttention: the layout needs it',
    (folder) => rewrite(folder, ({ graphs }) => delete graphs.memoryAttention),
  ],
  [
    'maps of another size than the graphs make',
    'expected positions of',
    (folder) => rewrite(folder, ({ objectMemory }) => (objectMemory.tokensPerMap = 32)),
  ],
  [
    'a file outside of the folder',
    'a file below the manifest',
    (folder) => rewrite(folder, ({ graphs }) => (graphs.encoder.file = '../encoder.onnx')),
  ],
];

test.each(cases)('%s stops the load and is named', async (_what, named, spoil) => {
  await using folder = await writeSmallModel('sam2');
  await spoil(folder);
  await expect(loadModel({ directory: folder.directory, signal })).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining(named) as string,
  });
});

test('a model with a memory of its own says how large that may be', async () => {
  await using folder = await writeSmallModel('sam2');
  await using model = await loadModel({ directory: folder.directory, signal });
  const maps = (4 + 6) * 64 * 64 * 2;
  const pointers = 31 * 128 * 4;
  expect(model.info.objectMemory).toEqual({ maxBytes: maps + pointers, maskPrompts: 'exact' });
});

test('a model without a graph for mask prompts says so', async () => {
  await using folder = await writeSmallModel('sam2', {
    edit: ({ graphs }) => delete graphs.maskPrompt,
  });
  await using model = await loadModel({ directory: folder.directory, signal });
  expect(model.info.objectMemory).toMatchObject({ maskPrompts: 'box-and-points' });
});
