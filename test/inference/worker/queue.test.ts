import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { goldenPicture, loadModel } from '../../../src/inference/index.ts';

const directory = fileURLToPath(new URL('../../../models/maskstream-tiny', import.meta.url));

test('an owner with eight keyframes waiting does not hold up the other’s first', async () => {
  const { signal } = new AbortController();
  await using model = await loadModel({ directory, threads: 1, signal });
  using picture = goldenPicture(1).frame;
  const done: string[] = [];
  const encode = async (owner: string) => {
    (await model.forUser({ owner }).encode(picture, signal)).close();
    done.push(owner);
  };
  await Promise.all([...Array.from({ length: 8 }, () => encode('many')), encode('one')]);
  expect(done).toHaveLength(9);
  // One was under way; the next turn is its own.
  expect(done.indexOf('one')).toBeLessThan(3);
});

test('features of one owner serve another, and are counted together', async () => {
  const { signal } = new AbortController();
  await using model = await loadModel({ directory, threads: 1, signal });
  const { frame, box } = goldenPicture(1);
  using picture = frame;
  const features = await model.forUser({ owner: 'a' }).encode(picture, signal);
  expect(model.liveFeatures()).toBe(1);
  const request = { clicks: [], box, prior: null, memory: [] };
  expect(await model.forUser({ owner: 'b' }).decode(features, [request], signal)).toHaveLength(1);
  features.close();
  expect(model.liveFeatures()).toBe(0);
});
