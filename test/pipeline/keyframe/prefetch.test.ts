import { expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { PrefetchedFeatures } from '../../../src/pipeline/keyframe/prefetch.ts';
import { createFakeSegmenter } from '../../fixtures/fake-segmenter.ts';
import { movingSquare, paintScene } from '../../fixtures/fake-video.ts';

const { signal } = new AbortController();

test('features that were encoded ahead are taken once; what nobody takes is closed', async () => {
  const segmenter = createFakeSegmenter();
  const prefetched = new PrefetchedFeatures();
  for (const index of [1, 2, 3]) {
    using frame = paintScene(movingSquare, index);
    prefetched.start(frame, (held) => segmenter.encode(held, signal));
  }
  const taken = await prefetched.take(2);
  expect(taken?.frameIndex).toBe(2);
  expect(prefetched.take(2)).toBeUndefined();
  taken?.close();
  prefetched.discard(1);
  await expect.poll(() => segmenter.openFeatures()).toBe(1);
  await prefetched.close();
  expect(segmenter.openFeatures()).toBe(0);
  expect(liveFrames()).toBe(0);
});
