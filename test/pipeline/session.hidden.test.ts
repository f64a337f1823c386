import { afterEach, expect, test } from 'vitest';
import { maskIou } from '../../src/frame/mask.ts';
import { wholePicture } from '../../src/frame/geometry.ts';
import type { DecodeRequest } from '../../src/frame/ports.ts';
import { createFakeSegmenter, fakeModel } from '../fixtures/fake-segmenter.ts';
import { movingSquare, trueMask, type Scene } from '../fixtures/fake-video.ts';
import { click, maskOf, prompt, readAll, TestSessions } from '../fixtures/session-harness.ts';

const sessions = new TestSessions();

afterEach(() => sessions.expectNothingLeft());

const adaptive = {
  kind: 'adaptive',
  minIntervalFrames: 3,
  maxIntervalFrames: 12,
  intervalsAreTimes: true,
  minConfidence: 0.5,
} as const;

/** Runs a scene whose square is clicked on frame 0, with a model that sees zoomed crops. */
async function follow(scene: Scene, frames: number) {
  const segmenter = createFakeSegmenter({ tracking: { ...fakeModel.tracking, regionScale: 2 } });
  const asked = new Map<number, DecodeRequest>();
  segmenter.hooks.decode = (frameIndex, requests) => {
    for (const request of requests) asked.set(frameIndex, request);
  };
  const session = sessions.open({ segmenter, scene, options: { keyframes: adaptive } });
  session.inputs
    .prompt(prompt(1, 0, click(20, 24)))
    .frames(frames)
    .end();
  const { results } = await readAll(session);
  const regionOn = (frameIndex: number) => segmenter.regions[segmenter.encoded.indexOf(frameIndex)];
  return { results, asked, regionOn, encoded: segmenter.encoded };
}

/** As {@link movingSquare}; another scene from frame 8 on, with `squares` in it. */
function cutTo(squares: Scene['squares']): Scene {
  return {
    ...movingSquare,
    squares: (index) => (index < 8 ? movingSquare.squares(index) : squares(index)),
    background: (index) => (index < 8 ? 0 : 5),
  };
}

test('after a cut an object is re-detected everywhere, by memory and not by where it was', async () => {
  const scene = cutTo(() => [{ band: 1, x: 70, y: 38, side: 20 }]);
  const { results, asked, regionOn } = await follow(scene, 12);
  expect(results[8]).toMatchObject({ source: 'keyframe', keyframeReason: 'scene-cut' });
  expect(regionOn(8)).toEqual(wholePicture);
  expect(asked.get(8)).toMatchObject({ prior: null, clicks: [], box: null });
  expect(asked.get(8)!.memory.length).toBeGreaterThan(0);
  for (const result of results.slice(8)) {
    expect(result.objects[0]!.state).toBe('visible');
    const iou = maskIou(maskOf(result, 1), trueMask(scene, result.frameIndex, 1));
    expect(iou, `frame ${result.frameIndex}`).toBeGreaterThan(0.8);
  }
});

test('an object that is not in the new scene is gone, and then costs next to nothing', async () => {
  const { results, encoded } = await follow(
    cutTo(() => []),
    80,
  );
  for (const result of results.slice(8)) {
    expect(result.objects[0], `frame ${result.frameIndex}`).toMatchObject({ area: 0, box: null });
    expect(result.objects[0]!.state).not.toBe('visible');
  }
  expect(results.at(-1)!.objects[0]!.state).toBe('lost');
  // One attempt, on the cut; the picture stands still from then on.
  expect(encoded.filter((frameIndex) => frameIndex >= 8)).toEqual([8]);
});

test('an object that comes back is found on that frame, wherever it is', async () => {
  const scene = cutTo((index) => (index < 50 ? [] : [{ band: 1, x: 60, y: 10, side: 20 }]));
  const { results, encoded } = await follow(scene, 56);
  expect(encoded).toContain(50);
  expect(results[49]!.objects[0]!.area).toBe(0);
  expect(results[50]!.objects[0]!.state).toBe('visible');
  expect(maskIou(maskOf(results[50], 1), trueMask(scene, 50, 1))).toBeGreaterThan(0.8);
});

test('where a mask leads to nothing the object is re-detected on the same keyframe', async () => {
  const jumping: Scene = {
    ...movingSquare,
    squares: (index) => [
      index < 7 ? { band: 1, x: 8 + index, y: 10, side: 20 } : { band: 1, x: 70, y: 40, side: 20 },
    ],
  };
  const { results, encoded, regionOn } = await follow(jumping, 30);
  const jumped = results.slice(7).find(({ source }) => source === 'keyframe')!;
  const { frameIndex } = jumped;
  expect(encoded.filter((index) => index === frameIndex)).toHaveLength(2);
  expect(regionOn(frameIndex)).not.toEqual(wholePicture);
  const iou = maskIou(maskOf(jumped, 1), trueMask(jumping, frameIndex, 1));
  expect(iou, `frame ${frameIndex}`).toBeGreaterThan(0.8);
});
