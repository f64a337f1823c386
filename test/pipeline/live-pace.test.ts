import { expect, test } from 'vitest';
import { KeyframeBudget } from '../../src/pipeline/keyframe/budget.ts';
import { LivePace } from '../../src/pipeline/live-pace.ts';
import { movingSquare, paintScene, uneventful } from '../fixtures/fake-video.ts';

/** A camera of 25 frames a second, and how long each of its frames takes. */
function camera() {
  const clock = { nowMs: 0 };
  const nowMs = () => clock.nowMs;
  const budget = new KeyframeBudget(nowMs);
  const pace = new LivePace(budget, nowMs);
  let index = 0;
  /** Answers the next frame after so many milliseconds; says whether it might have been refined. */
  const answer = (takesMs: number, ageMs = 0): boolean => {
    using frame = paintScene(movingSquare, index++);
    const task = { ...uneventful, frame, queuedAtMs: clock.nowMs - ageMs };
    pace.begin(task);
    const may = pace.mayRefine(task);
    clock.nowMs += takesMs;
    pace.end(task);
    return may;
  };
  return { answer, budget };
}

test('frames in time are all refined; one that waited too long is not', () => {
  const { answer } = camera();
  expect([answer(10), answer(10), answer(10)]).toEqual([true, true, true]);
  expect(answer(10, 31)).toBe(false);
});

test('after a slow answer every other frame is refined, until none was slow for two seconds', () => {
  const { answer } = camera();
  answer(10);
  answer(51);
  expect(Array.from({ length: 6 }, () => answer(40))).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  for (let frame = 0; frame < 44; frame++) answer(40);
  expect([answer(40), answer(40)]).toEqual([true, true]);
});

test('on a busy server no frame waits for the refining of another; on an idle one it may', async () => {
  const { answer, budget } = camera();
  const other = new LivePace(budget, () => 0);
  const whileOtherRefines = () =>
    other.whileRefining(() => Promise.resolve([answer(40), answer(40)]));
  answer(10);
  expect(await whileOtherRefines()).toEqual([true, true]);
  answer(51);
  expect(await whileOtherRefines()).toEqual([false, false]);
  expect([answer(40), answer(40)]).toEqual([true, false]);
});

test('while several streams wait for their first masks nothing is refined', () => {
  const { answer, budget } = camera();
  expect(answer(10)).toBe(true);
  const [first, second] = [budget.beginPrompted(), budget.beginPrompted()];
  expect(answer(10)).toBe(false);
  first[Symbol.dispose]();
  expect(answer(10)).toBe(true);
  second[Symbol.dispose]();
});

test('a frame that waited for a keyframe does not count as late, nor those dropped meanwhile', () => {
  const clock = { nowMs: 0 };
  const budget = new KeyframeBudget(
    () => clock.nowMs,
    () => 1,
    () => () => undefined,
  );
  const pace = new LivePace(budget, () => clock.nowMs);
  let index = 0;
  const answer = (framesDroppedBefore: number, ageMs: number): number => {
    using frame = paintScene(movingSquare, index++);
    const task = { ...uneventful, frame, framesDroppedBefore, queuedAtMs: clock.nowMs - ageMs };
    pace.begin(task);
    clock.nowMs += 10;
    pace.end(task);
    return budget.rateRatio;
  };
  answer(0, 0);
  const others = [budget.beginPrompted(), budget.beginPrompted()];
  // As many as may begin beside prompts; the next one waits.
  for (let frame = 0; frame < 12; frame++) pace.enter(() => undefined);
  let hasBegun = false;
  pace.enter(() => (hasBegun = true));
  expect(hasBegun).toBe(false);
  clock.nowMs += 300;
  for (const other of others) other[Symbol.dispose]();
  expect(hasBegun).toBe(true);
  expect(answer(5, 200)).toBe(1);
  pace.enter(() => undefined);
  expect(answer(5, 200)).toBe(0.8);
});

test('refining that fails is over, too', async () => {
  const { budget } = camera();
  const pace = new LivePace(budget, () => 0);
  const broken = pace.whileRefining(() => Promise.reject(new Error('the worker died')));
  expect(budget.isRefining).toBe(true);
  await expect(broken).rejects.toThrow('the worker died');
  expect(budget.isRefining).toBe(false);
});
