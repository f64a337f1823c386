import { expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { cpu } from '../../../src/inference/engine/device.ts';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import { pictureOf } from '../../../src/inference/picture.ts';
import { openRunner, type Runner } from '../../../src/inference/worker/runner.ts';
import { plainFrame } from '../../fixtures/painted-frames.ts';
import { writeToyModel } from '../../fixtures/toy-model.ts';

async function toyRunner(): Promise<Runner> {
  await using folder = await writeToyModel();
  const manifest = await loadManifest(folder.directory);
  const { directory } = folder;
  const roles = ['encoder', 'decoder'] as const;
  const devices = { encoder: cpu, decoder: cpu };
  const setup = { directory, manifest, roles, devices, threads: 1, kserve: null };
  return await openRunner({ ...setup, sharesFeatures: false });
}

const item = { clicks: [], box: null, prior: new Float32Array(16), memory: [] };

test('a release frees the features in the worker', async () => {
  const runner = await toyRunner();
  using frame = plainFrame([16, 128, 128]);
  const decode = { kind: 'decode', features: { id: 1, rebuild: null }, items: [item] } as const;
  await runner.run({ kind: 'encode', id: 1, picture: pictureOf(frame) });
  expect(await runner.run(decode)).toHaveLength(1);
  runner.release(1);
  runner.release(99);
  await expect(runner.run(decode)).rejects.toThrow('features 1 are not held');
});

test('features are made again only where they are not held', async () => {
  const runner = await toyRunner();
  using dark = plainFrame([16, 128, 128]);
  using light = plainFrame([235, 128, 128]);
  const decodeWith = async (frame: typeof dark): Promise<unknown> =>
    await runner.run({
      kind: 'decode',
      features: { id: 5, rebuild: pictureOf(frame) },
      items: [item],
    });
  const made = await decodeWith(dark);
  // Held by now: the other picture is not encoded.
  expect(await decodeWith(light)).toEqual(made);
  runner.release(5);
  expect(await decodeWith(light)).not.toEqual(made);
});

test('a job for a graph that this worker does not run is an error', async () => {
  const runner = await toyRunner();
  const refine = { kind: 'refine', items: [] } as const;
  await expect(runner.run(refine)).rejects.toThrow('no refiner');
  expect(liveFrames()).toBe(0);
});
