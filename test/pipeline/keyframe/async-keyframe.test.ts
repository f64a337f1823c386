import { wholePicture } from '../../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import { liveFrames } from '../../../src/frame/frame.ts';
import { PrefetchedFeatures } from '../../../src/pipeline/keyframe/prefetch.ts';
import { FeatureBank } from '../../../src/pipeline/keyframe/feature-bank.ts';
import { AsyncKeyframe } from '../../../src/pipeline/keyframe/async-keyframe.ts';
import { promptInPicture } from '../../../src/pipeline/keyframe/prompt-geometry.ts';
import { StageClock } from '../../../src/pipeline/stage-clock.ts';
import { newObjectRecord } from '../../../src/pipeline/prompts/object-record.ts';
import { createFakeSegmenter, type FakeSegmenter } from '../../fixtures/fake-segmenter.ts';
import { movingSquare, paintScene } from '../../fixtures/fake-video.ts';
import { gate } from '../../fixtures/session-harness.ts';

const { signal } = new AbortController();

function asyncKeyframe(segmenter: FakeSegmenter, bank: FeatureBank): AsyncKeyframe {
  using frame = paintScene(movingSquare, 3);
  const record = newObjectRecord(1, null, { frameIndex: 0, timestampUs: 0 });
  const clicks = [{ x: 25, y: 30, label: 'positive' as const }];
  const prompt = promptInPicture({ clicks, box: null }, frame.display);
  const clock = new StageClock(() => performance.now());
  return new AsyncKeyframe(frame, [{ kind: 'prompted', record, region: wholePicture, prompt }], {
    segmenter,
    bank,
    prefetched: new PrefetchedFeatures(),
    clock,
    signal,
    mayFlip: () => true,
    onEncode: () => undefined,
  });
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
    answers: [{ action: { objectId: 1, hidden: false } }],
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
