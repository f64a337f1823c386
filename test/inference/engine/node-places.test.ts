import { expect, test } from 'vitest';
import { cpu } from '../../../src/inference/engine/device.ts';
import { Graph } from '../../../src/inference/engine/graph.ts';
import { floatTensor } from '../../../src/inference/engine/onnxruntime.ts';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import { writeToyModel } from '../../fixtures/toy-model.ts';

async function openRefiner(profiles: boolean): Promise<Graph> {
  await using folder = await writeToyModel();
  const { directory } = folder;
  const { graphs } = await loadManifest(directory);
  const options = { directory, role: 'refiner', device: cpu, threads: 1, profiles } as const;
  return await Graph.open(graphs.refiner!, options);
}

const feeds = () => ({
  crop: floatTensor(new Float32Array(2 * 48), [2, 3, 4, 4]),
  prior: floatTensor(new Float32Array(2 * 16), [2, 1, 4, 4]),
  appearance: floatTensor(new Float32Array(2 * 6), [2, 2, 3]),
});

test('every operator of a graph is counted once where it ran, however often', async () => {
  const graph = await openRefiner(true);
  for (let run = 0; run < 3; run++) await graph.run(feeds());
  expect(await graph.nodePlaces()).toEqual({ CPUExecutionProvider: 4 });
});

test('a graph that did not run, or is not profiled, has nothing to say', async () => {
  expect(await (await openRefiner(true)).nodePlaces()).toBeNull();
  const unwatched = await openRefiner(false);
  await unwatched.run(feeds());
  expect(await unwatched.nodePlaces()).toBeNull();
});
