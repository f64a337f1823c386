import { wholePicture } from '../../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { PrefetchedFeatures } from '../../../src/pipeline/keyframe/prefetch.ts';
import { FeatureBank } from '../../../src/pipeline/keyframe/feature-bank.ts';
import { AsyncKeyframe } from '../../../src/pipeline/keyframe/async-keyframe.ts';
import { StageClock, StageStatistics } from '../../../src/pipeline/stage-clock.ts';
import { newObjectRecord } from '../../../src/pipeline/prompts/object-record.ts';
import { createFakeSegmenter, type FakeSegmenter } from '../../fixtures/fake-segmenter.ts';
import { movingSquare, paintScene } from '../../fixtures/fake-video.ts';
import { gate } from '../../fixtures/session-harness.ts';

const { signal } = new AbortController();

async function encode(segmenter: FakeSegmenter, frameIndex: number) {
  using frame = paintScene(movingSquare, frameIndex);
  return await segmenter.encode(frame, signal);
}

test('stage times add up on a clock that the test owns', async () => {
  let nowMs = 10;
  const clock = new StageClock(() => nowMs);
  clock.since('queue', 4);
  await clock.time('decode', async () => (nowMs += 2.5));
  await clock.time('decode', async () => (nowMs += 0.25));
  await expect(
    clock.time('encode', async () => {
      nowMs += 1;
      throw new Error('broken');
    }),
  ).rejects.toThrow('broken');
  clock.add('encode', 7);
  expect(clock.read()).toEqual({
    total: 0,
    queue: 6000,
    propagate: 0,
    encode: 1007,
    decode: 2750,
    refine: 0,
    output: 0,
  });
});

test('percentiles are right to six percent, and stages that never ran are left out', () => {
  const statistics = new StageStatistics();
  const none = { queue: 0, propagate: 0, encode: 0, decode: 0, refine: 0, output: 0 };
  for (let i = 1; i <= 1000; i++) statistics.add({ ...none, total: i * 100 });
  const [total, ...rest] = statistics.read();
  expect(rest).toEqual([]);
  expect(total).toMatchObject({ stage: 'total', count: 1000 });
  for (const [value, truth] of [
    [total!.p50Us, 50_000],
    [total!.p95Us, 95_000],
    [total!.p99Us, 99_000],
  ] as const) {
    expect(Math.abs(value - truth) / truth).toBeLessThan(0.06);
  }
});

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

function asyncKeyframe(segmenter: FakeSegmenter, bank: FeatureBank): AsyncKeyframe {
  using frame = paintScene(movingSquare, 3);
  const record = newObjectRecord(1, null, { frameIndex: 0, timestampUs: 0 });
  const prompt = { clicks: [{ x: 25, y: 30, label: 'positive' as const }], box: null };
  const clock = new StageClock(() => performance.now());
  return new AsyncKeyframe(frame, [{ kind: 'prompted', record, region: wholePicture, prompt }], {
    segmenter,
    bank,
    prefetched: new PrefetchedFeatures(),
    clock,
    signal,
    onEncode: () => undefined,
  });
}

function whole(frameIndex: number) {
  return { frameIndex, region: wholePicture };
}

test('an asynchronous keyframe has a result once its run is over, and holds its frame until then', async () => {
  const segmenter = createFakeSegmenter();
  const held = gate();
  segmenter.hooks.decode = () => held.opened;
  const bank = new FeatureBank();
  const keyframe = asyncKeyframe(segmenter, bank);
  expect(keyframe.frameIndex).toBe(3);
  expect(keyframe.take()).toBeNull();
  expect(liveFrames()).toBe(1);
  held.open();
  await keyframe.over;
  expect(keyframe.take()).toMatchObject({
    kind: 'done',
    actions: [{ objectId: 1, hidden: false }],
  });
  expect(liveFrames()).toBe(0);
  bank.close();
  expect(segmenter.openFeatures()).toBe(0);
});

test('an asynchronous keyframe that is given up, or fails, lets go of everything', async () => {
  for (const how of ['abandoned', 'failed'] as const) {
    const segmenter = createFakeSegmenter();
    segmenter.hooks.decode = () =>
      how === 'failed' ? Promise.reject(new Error('broken')) : new Promise<void>(Boolean);
    const bank = new FeatureBank();
    const keyframe = asyncKeyframe(segmenter, bank);
    if (how === 'abandoned') keyframe.abandon();
    await keyframe.over;
    expect(keyframe.take()).toMatchObject({ kind: 'failed' });
    expect(liveFrames()).toBe(0);
    bank.close();
    expect(segmenter.openFeatures()).toBe(0);
  }
});
