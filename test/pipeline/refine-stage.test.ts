import { afterEach, expect, test } from 'vitest';
import type { FrameResult } from '../../src/pipeline/session-types.ts';
import { createFakeSegmenter } from '../fixtures/fake-segmenter.ts';
import { movingSquare, type Scene } from '../fixtures/fake-video.ts';
import { click, prompt, readAll, TestSessions } from '../fixtures/session-harness.ts';

const sessions = new TestSessions();
const open = sessions.open;

afterEach(() => sessions.expectNothingLeft());

/** One square that moves evenly, and one whose neighbourhood is another on every frame. */
const calmAndWild: Scene = {
  ...movingSquare,
  squares: (frameIndex) => [
    { band: 1, x: 10 + frameIndex, y: 22, side: 20 },
    { band: 2, x: 60 + (frameIndex % 2) * 4, y: 22 + (frameIndex % 3) * 3, side: 20 },
  ],
};

type Run = {
  readonly results: readonly FrameResult[];
  /** Requests of each call: `learn` asks for an appearance, `refine` compares with it. */
  readonly calls: readonly (readonly ('learn' | 'refine')[])[];
};

async function run(maxConfidence: number, frames = 3): Promise<Run> {
  const calls: ('learn' | 'refine')[][] = [];
  const refiner = { cropSide: 16, appearanceLength: 3, maxConfidence };
  const segmenter = createFakeSegmenter({ refiner });
  segmenter.hooks.refine = (requests) => {
    calls.push(requests.map(({ appearance }) => (appearance === null ? 'learn' : 'refine')));
  };
  const session = open({ scene: calmAndWild, segmenter });
  session.inputs
    .prompt(prompt(1, 0, click(20, 32)))
    .prompt(prompt(2, 0, click(70, 32)))
    .frames(frames)
    .end();
  const { results, error } = await readAll(session);
  expect(error).toBeNull();
  return { results, calls };
}

test('keyframes teach the refiner each appearance; good masks are left alone', async () => {
  const { calls } = await run(0);
  expect(calls).toEqual([['learn', 'learn']]);
});

test('a mask that kept its shape is left alone, however low the confidence', async () => {
  const { calls } = await run(1.01);
  expect(calls).toEqual([['learn', 'learn'], ['refine'], ['refine']]);
});

test('only masks under the confidence are refined', async () => {
  const refined: boolean[] = [];
  for (const maxConfidence of [0.1, 0.2, 0.4, 0.6, 0.8, 1.01]) {
    const { calls } = await run(maxConfidence, 2);
    refined.push(calls.length > 1);
  }
  // What it is measured by is the tracker's own: somewhere between a low and a high one.
  expect(refined.slice(0, 2)).toEqual([false, false]);
  expect(refined.at(-1)).toBe(true);
  const first = refined.indexOf(true);
  expect(refined.slice(first)).toEqual(refined.slice(first).map(() => true));
});
