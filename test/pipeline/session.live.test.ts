import { afterEach, expect, test } from 'vitest';
import { KeyframeBudget } from '../../src/pipeline/keyframe/budget.ts';
import type { SessionOptions } from '../../src/pipeline/session-types.ts';
import { createFakeSegmenter } from '../fixtures/fake-segmenter.ts';
import {
  click,
  gate,
  isMasks,
  prompt,
  readAll,
  readUntil,
  TestSessions,
} from '../fixtures/session-harness.ts';
import { settled } from '../fixtures/settled.ts';

/*
 * LATEST under load: what a camera sends faster than it can be decoded, tracked or segmented.
 */

const sessions = new TestSessions();
afterEach(() => sessions.expectNothingLeft());

const latest: Partial<SessionOptions> = {
  delivery: 'latest',
  keyframes: {
    kind: 'adaptive',
    minIntervalFrames: 1,
    maxIntervalFrames: 1,
    intervalsAreTimes: true,
    minConfidence: 0,
  },
};

/** A camera of 25 frames a second, with a random access point every ten frames. */
const intervalMs = 40;
const framesPerGroup = 10;

test('with a decoder at half the pace of the camera, no answer grows old, and all frames are accounted for', async () => {
  const clock = { nowMs: 0 };
  const frames = 200;
  const camera = { sent: 0 };
  const session = sessions.open({
    options: {
      ...latest,
      container: 'ivf',
      keyframes: { kind: 'fixed', intervalFrames: 1000 },
    },
    nowMs: () => clock.nowMs,
    trouble: {
      // While a frame is decoded, the camera sends two.
      beforeFrame: async () => {
        for (let i = 0; i < 2; i++) {
          clock.nowMs += intervalMs;
          send();
        }
        await settled();
      },
    },
  });
  const send = (): void => {
    const { sent } = camera;
    if (sent === frames) return;
    session.inputs.push({
      kind: 'chunk',
      data: Uint8Array.of(1),
      captureTimestampUs: sent * intervalMs * 1000,
      randomAccess: sent % framesPerGroup === 0,
    });
    if (++camera.sent === frames) session.inputs.end();
  };
  send();
  const ages: number[] = [];
  const indexes: number[] = [];
  let counted = 0;
  const events = [];
  for await (const event of session.events) {
    events.push(event);
    if (event.kind !== 'masks') continue;
    const { frameIndex, captureTimestampUs, framesDroppedBefore } = event.result;
    // The time of the frame is that of its own access unit, on whichever side of a gap.
    expect(captureTimestampUs).toBe(frameIndex * intervalMs * 1000);
    ages.push(clock.nowMs - frameIndex * intervalMs);
    indexes.push(frameIndex);
    counted += framesDroppedBefore + 1;
  }
  const last = events.at(-1)!;
  const summary = last.kind === 'summary' ? last.summary : null;
  // Without skipping, half of all frames would wait in the end: four seconds.
  expect(Math.max(...ages)).toBeLessThanOrEqual((2 * framesPerGroup + 2) * intervalMs);
  expect(indexes.at(-1)).toBe(frames - 1);
  expect(counted).toBe(frames);
  expect(summary).toMatchObject({ framesIn: frames, framesOut: ages.length });
  expect(summary!.framesDropped).toBe(frames - ages.length);
});

test('streams that share a budget run one asynchronous keyframe at a time, in turns', async () => {
  const clock = { nowMs: 0 };
  const budget = new KeyframeBudget(() => clock.nowMs);
  const first = gate();
  const running: string[] = [];
  const open = (name: string, hold: Promise<void> | undefined) => {
    const segmenter = createFakeSegmenter();
    segmenter.hooks.encode = (frameIndex) => {
      if (frameIndex === 0) return undefined;
      running.push(`${name}${frameIndex}`);
      return hold;
    };
    const session = sessions.open({ segmenter, options: latest, budget, nowMs: () => 0 });
    session.inputs.prompt(prompt(1, 0, click(26, 30)));
    return session;
  };
  const a = open('a', first.opened);
  const b = open('b', undefined);
  for (let frameIndex = 0; frameIndex < 3; frameIndex++) {
    for (const session of [a, b]) {
      session.inputs.frames(1);
      await readUntil(session, isMasks(frameIndex));
    }
  }
  // A keyframe of `a` is under way since frame 1: `b` goes on without one.
  expect(running).toEqual(['a1']);
  first.open();
  await settled();
  clock.nowMs = 400;
  for (const session of [a, b]) {
    session.inputs.frames(1);
    await readUntil(session, isMasks(3));
  }
  // `a` would like the next one too, but `b` has waited.
  expect(running).toEqual(['a1', 'b3']);
  for (const session of [a, b]) session.inputs.end();
  await Promise.all([readAll(a), readAll(b)]);
});
