import { runLengthsOf } from '../../../src/frame/coco-rle.ts';
import { afterEach, expect, test } from 'vitest';
import { createFakeSegmenter } from '../../fixtures/fake-segmenter.ts';
import { movingSquare, trueMask } from '../../fixtures/fake-video.ts';
import {
  click,
  localTrackers,
  prompt,
  readAll,
  TestSessions,
  type SessionSetup,
} from '../../fixtures/session-harness.ts';

const sessions = new TestSessions();

afterEach(() => sessions.expectNothingLeft());

const refiner = { cropSide: 16, appearanceLength: 3, maxConfidence: 0 };

/** The tracker calls of each frame of a stream of two, whose first one is prompted. */
async function callsOf(
  prompted: ReturnType<typeof prompt>,
  options: SessionSetup['options'] = {},
): Promise<string[][]> {
  const calls: string[][] = [];
  const trackers = localTrackers((method) => {
    if (method === 'advance') calls.push([]);
    calls.at(-1)?.push(method);
  });
  const session = sessions.open({
    segmenter: createFakeSegmenter({ refiner }),
    trackers,
    options: { keyframes: { kind: 'fixed', intervalFrames: 1 }, ...options },
    nowMs: () => 0,
  });
  session.inputs.prompt(prompted).frames(2).end();
  expect((await readAll(session)).error).toBeNull();
  return calls;
}

const segmented = ['advance', 'plan', 'apply', 'crops', 'apply', 'deliver'];

test('a click, and a keyframe after it, take six calls of the tracker', async () => {
  expect(await callsOf(prompt(1, 0, click(26, 30)))).toEqual([segmented, segmented]);
});

test('a given mask takes as many: its prior comes with the plan', async () => {
  const given = prompt(1, 0, { mask: runLengthsOf(trueMask(movingSquare, 0, 1)) });
  const [first] = await callsOf(given);
  expect(first).toEqual(['advance', 'apply', 'plan', 'crops', 'apply', 'deliver']);
});

test('a LATEST frame that starts an asynchronous keyframe takes two calls of the tracker', async () => {
  const calls = await callsOf(prompt(1, 0, click(26, 30)), { delivery: 'latest' });
  expect(calls).toEqual([segmented, ['advance', 'plan']]);
});
