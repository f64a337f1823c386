import { wholePicture } from '../../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { FeatureBank } from '../../../src/pipeline/keyframe/feature-bank.ts';
import { createFakeSegmenter, type FakeSegmenter } from '../../fixtures/fake-segmenter.ts';
import { movingSquare, paintScene } from '../../fixtures/fake-video.ts';

const { signal } = new AbortController();

async function encode(segmenter: FakeSegmenter, frameIndex: number) {
  using frame = paintScene(movingSquare, frameIndex);
  return await segmenter.encode(frame, signal);
}

test('a feature bank closes what it replaces, drops or gets too late, once', async () => {
  const segmenter = createFakeSegmenter();
  const bank = new FeatureBank();
  const first = await encode(segmenter, 1);
  bank.put(first);
  bank.put(first);
  expect(segmenter.openFeatures()).toBe(1);
  bank.put(await encode(segmenter, 1));
  expect(segmenter.openFeatures()).toBe(1);
  bank.put(await encode(segmenter, 2));
  bank.put(await encode(segmenter, 3));
  bank.keepOnly([whole(1), whole(3)]);
  expect(segmenter.openFeatures()).toBe(2);
  expect(bank.get(whole(2))).toBeUndefined();
  expect(bank.get(whole(3))?.frameIndex).toBe(3);
  bank.close();
  bank.close();
  bank.put(await encode(segmenter, 4));
  expect(segmenter.openFeatures()).toBe(0);
  expect(liveFrames()).toBe(0);
});

test('flipped features are other features than those of the same region as it is', async () => {
  const segmenter = createFakeSegmenter();
  const bank = new FeatureBank();
  using frame = paintScene(movingSquare, 1);
  const flipped = { region: wholePicture, flipped: true };
  bank.put(await segmenter.encode(frame, signal, flipped));
  expect(bank.get(whole(1))).toBeUndefined();
  bank.put(await encode(segmenter, 1));
  expect(segmenter.openFeatures()).toBe(2);
  expect(bank.get({ frameIndex: 1, ...flipped })?.flipped).toBe(true);
  bank.keepOnly([whole(1)]);
  expect(segmenter.openFeatures()).toBe(1);
  bank.close();
});

function whole(frameIndex: number) {
  return { frameIndex, region: wholePicture };
}
