import { expect, test } from 'vitest';
import { cpu } from '../../../src/inference/engine/device.ts';
import { loadManifest } from '../../../src/inference/manifest-loader.ts';
import { pictureOf } from '../../../src/inference/picture.ts';
import { openRunner } from '../../../src/inference/worker/runner.ts';
import type { Segmented } from '../../../src/frame/ports.ts';
import { embedded } from '../../fixtures/inference-servers.ts';
import { plainFrame } from '../../fixtures/painted-frames.ts';

const megabyte = 1024 * 1024;

test('keyframes leave nothing to the garbage collector but their answers, which stay the same', async () => {
  const manifest = await loadManifest(embedded);
  const roles = ['encoder', 'decoder'] as const;
  const devices = { encoder: cpu, decoder: cpu };
  const setup = { directory: embedded, manifest, roles, devices, threads: 1, kserve: null };
  const runner = await openRunner({ ...setup, sharesFeatures: false });
  using frame = plainFrame([126, 110, 140]);
  const box = { x: 0.2, y: 0.2, width: 0.4, height: 0.4 };
  const keyframe = async (id: number): Promise<Segmented[]> => {
    const features = { id, rebuild: pictureOf(frame) };
    const first = { clicks: [], box, prior: null, memory: [] };
    const [made] = (await runner.run({ kind: 'decode', features, items: [first] })) as Segmented[];
    const mask = made!.logits.map((logit) => (logit > 0 ? 1 : 0));
    const next = { clicks: [], box: null, prior: mask, memory: [{ features, mask }] };
    const items = [first, next];
    return (await runner.run({ kind: 'decode', features, items })) as Segmented[];
  };
  const before = await keyframe(1);
  const held = process.memoryUsage().arrayBuffers;
  for (let id = 2; id <= 4; id++) {
    // The features before them are read by nobody any more.
    runner.release(id - 1);
    expect(await keyframe(id)).toEqual(before);
  }
  // Three of them made 20 MB of inputs, features and outputs; answers and masks are 0.2 MB each.
  expect((process.memoryUsage().arrayBuffers - held) / megabyte).toBeLessThan(2);
});
