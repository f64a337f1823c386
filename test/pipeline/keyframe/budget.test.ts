import { expect, test } from 'vitest';
import { KeyframeBudget } from '../../../src/pipeline/keyframe/budget.ts';

function openBudget(capacity?: () => number) {
  const clock = { nowMs: 0 };
  return { clock, budget: new KeyframeBudget(() => clock.nowMs, capacity) };
}

test('one keyframe runs at a time, and the stream that waited longest is next', () => {
  const { budget, clock } = openBudget();
  const [a, b, c] = [{}, {}, {}];
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(b)).toBe(false);
  clock.nowMs = 30;
  expect(budget.tryBegin(c)).toBe(false);
  clock.nowMs = 60;
  budget.end(a);
  expect(budget.tryBegin(a)).toBe(false);
  expect(budget.tryBegin(c)).toBe(false);
  expect(budget.tryBegin(b)).toBe(true);
});

test('an encoder of two workers runs two keyframes at a time, of two streams', () => {
  const budget = new KeyframeBudget(
    () => 0,
    () => 2,
  );
  const [a, b, c] = [{}, {}, {}];
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(a)).toBe(false);
  expect(budget.tryBegin(b)).toBe(true);
  expect(budget.tryBegin(c)).toBe(false);
  budget.end(a);
  expect(budget.tryBegin(a)).toBe(false);
  expect(budget.tryBegin(c)).toBe(true);
  budget.end(b);
  expect(budget.tryBegin(a)).toBe(true);
});

test('an owner with many streams waiting does not hold up the other’s one', () => {
  const { budget, clock } = openBudget();
  const many = Array.from({ length: 8 }, () => ({ stream: {}, owner: 'many' }));
  const all = [...many, { stream: {}, owner: 'one' }];
  const began: string[] = [];
  for (let turn = 0; turn < 16; turn++) {
    const next = all.find(({ stream, owner }) => budget.tryBegin(stream, owner));
    // The first one to ask begins at once; from then on all of them are waiting.
    for (const { stream, owner } of all) budget.tryBegin(stream, owner);
    began.push(next?.owner ?? 'nobody');
    clock.nowMs += 10;
    if (next !== undefined) budget.end(next.stream);
  }
  expect(began.filter((owner) => owner === 'one').length).toBeGreaterThanOrEqual(7);
});

test('a stream that asks no more gives its place up', () => {
  const { budget, clock } = openBudget();
  const [a, b, c] = [{}, {}, {}];
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(b)).toBe(false);
  expect(budget.tryBegin(c)).toBe(false);
  budget.end(a);
  budget.end(b);
  expect(budget.tryBegin(c)).toBe(true);
  budget.end(c);
  expect(budget.tryBegin(a)).toBe(true);
  expect(budget.tryBegin(b)).toBe(false);
  budget.end(a);
  clock.nowMs = 501;
  expect(budget.tryBegin(c)).toBe(true);
});

/** So many frames, all streams together, answered late or in time, one every `everyMs`. */
function answer({ clock, budget }: ReturnType<typeof openBudget>, frames: Answered): void {
  for (let i = 0; i < frames.count; i++) {
    clock.nowMs += frames.everyMs;
    budget.observe(frames.pace);
  }
}

type Answered = {
  readonly count: number;
  readonly everyMs: number;
  readonly pace: 'in-time' | 'late';
};

test('while frames are late more of them are analysed between keyframes, and fewer again without', () => {
  const opened = openBudget();
  const { budget } = opened;
  const stream = {};
  answer(opened, { count: 10, everyMs: 50, pace: 'late' });
  // Late frames in a row are one cause: three cuts in half a second.
  expect(budget.rateRatio).toBeCloseTo(0.8 ** 3);
  expect(budget.tryBegin(stream)).toBe(true);
  budget.end(stream);
  // 4 * (1 / 0.8 ** 3 - 1) = 3.8
  answer(opened, { count: 3, everyMs: 0, pace: 'in-time' });
  expect(budget.tryBegin(stream)).toBe(false);
  answer(opened, { count: 1, everyMs: 0, pace: 'in-time' });
  expect(budget.tryBegin(stream)).toBe(true);
  budget.end(stream);
  answer(opened, { count: 20, everyMs: 1000, pace: 'in-time' });
  expect(budget.rateRatio).toBe(1);
  expect(budget.tryBegin(stream)).toBe(true);
  budget.end(stream);
  expect(budget.tryBegin(stream)).toBe(true);
});

test('under any overload every 16th analysed frame may begin a keyframe, whatever the time', () => {
  const opened = openBudget();
  const { budget, clock } = opened;
  const stream = {};
  answer(opened, { count: 100, everyMs: 200, pace: 'late' });
  expect(budget.rateRatio).toBe(0.05);
  expect(budget.tryBegin(stream)).toBe(true);
  answer(opened, { count: 15, everyMs: 200, pace: 'late' });
  budget.end(stream);
  clock.nowMs += 10_000;
  expect(budget.tryBegin(stream)).toBe(false);
  answer(opened, { count: 1, everyMs: 200, pace: 'late' });
  expect(budget.tryBegin(stream)).toBe(true);
});

test('overloaded streams take turns at keyframes, so that each has its share', () => {
  const opened = openBudget();
  const { budget } = opened;
  const streams = [{}, {}, {}, {}];
  const keyframes = streams.map(() => 0);
  answer(opened, { count: 100, everyMs: 200, pace: 'late' });
  for (let frame = 0; frame < 1000; frame++) {
    const turn = frame % streams.length;
    if (budget.tryBegin(streams[turn]!)) {
      keyframes[turn]! += 1;
      budget.end(streams[turn]!);
    }
    answer(opened, { count: 1, everyMs: 20, pace: 'late' });
  }
  expect(Math.min(...keyframes)).toBeGreaterThanOrEqual(14);
  expect(Math.max(...keyframes)).toBeLessThanOrEqual(15);
});

test('a slow answer makes the server busy for two seconds, and costs no keyframe', () => {
  const { budget, clock } = openBudget();
  expect(budget.isBusy).toBe(false);
  budget.observe('slow');
  expect(budget.isBusy).toBe(true);
  expect(budget.rateRatio).toBe(1);
  clock.nowMs += 1999;
  budget.observe('in-time');
  expect(budget.isBusy).toBe(true);
  clock.nowMs += 1;
  expect(budget.isBusy).toBe(false);
});

test('prompts contend where more than one stream waits for them', () => {
  const { budget } = openBudget();
  const one = budget.beginPrompted();
  expect(budget.isContended).toBe(false);
  const other = budget.beginPrompted();
  expect(budget.isContended).toBe(true);
  other[Symbol.dispose]();
  expect(budget.isContended).toBe(false);
  one[Symbol.dispose]();
  budget.beginPrompted();
  expect(budget.isContended).toBe(false);
});

/** Begins and ends keyframes that take 30 ms, until as many as the engine takes are begun at once. */
function fill({ budget, clock }: ReturnType<typeof openBudget>): void {
  for (let i = 0; i < 100; i++) {
    const stream = {};
    budget.tryBegin(stream);
    clock.nowMs += 30;
    budget.end(stream, true);
  }
}

test('as many keyframes are under way as the engine takes, and one where it takes less again', () => {
  const engine = { capacity: 3 };
  const opened = openBudget(() => engine.capacity);
  const { budget } = opened;
  fill(opened);
  const streams = [{}, {}, {}, {}];
  expect(streams.map((stream) => budget.tryBegin(stream))).toEqual([true, true, true, false]);
  budget.end(streams[0]!, true);
  expect(budget.tryBegin(streams[3]!)).toBe(true);
  engine.capacity = 1;
  for (const stream of streams.slice(1, 3)) budget.end(stream, true);
  expect(budget.tryBegin(streams[0]!)).toBe(false);
  budget.end(streams[3]!, true);
  expect(budget.tryBegin(streams[0]!)).toBe(true);
});

test('with several under way, an owner’s one stream waits for one end at most, whoever has many', () => {
  const opened = openBudget(() => 3);
  const { budget, clock } = opened;
  fill(opened);
  const one = { stream: {}, owner: 'one' };
  const all = [...Array.from({ length: 8 }, () => ({ stream: {}, owner: 'many' })), one];
  const running: { stream: object; owner: string }[] = [];
  const waited: number[] = [];
  let waits = 0;
  for (let turn = 0; turn < 60; turn++) {
    for (const each of all) {
      if (!running.includes(each) && budget.tryBegin(each.stream, each.owner)) running.push(each);
    }
    if (running.includes(one)) waited.push(waits);
    waits = running.includes(one) ? 0 : waits + 1;
    clock.nowMs += 10;
    budget.end(running.shift()!.stream, true);
  }
  expect(waited.length).toBeGreaterThan(30);
  expect(Math.max(...waited)).toBeLessThanOrEqual(1);
});

test('under overload frames lie between the begins of keyframes, however many the engine takes', () => {
  const opened = openBudget(() => 8);
  const { budget } = opened;
  fill(opened);
  answer(opened, { count: 100, everyMs: 200, pace: 'late' });
  expect(budget.tryBegin({})).toBe(true);
  const stream = {};
  expect(budget.tryBegin(stream)).toBe(false);
  answer(opened, { count: 15, everyMs: 20, pace: 'late' });
  expect(budget.tryBegin(stream)).toBe(false);
  answer(opened, { count: 1, everyMs: 20, pace: 'late' });
  expect(budget.tryBegin(stream)).toBe(true);
});

test('first masks come before keyframes that can wait, for a second at most', () => {
  const { budget, clock } = openBudget();
  const stream = {};
  expect(budget.tryBegin(stream)).toBe(true);
  budget.end(stream);
  const prompted = budget.beginPrompted();
  clock.nowMs += 999;
  expect(budget.tryBegin(stream)).toBe(false);
  // Clients that prompt without end do not keep the others from their keyframes.
  clock.nowMs += 1;
  expect(budget.tryBegin(stream)).toBe(true);
  budget.end(stream);
  prompted[Symbol.dispose]();
  expect(budget.tryBegin(stream)).toBe(true);
});

test('frames that wait for a keyframe begin when it is over', () => {
  const { budget } = openBudget();
  const [first, second] = [budget.beginPrompted(), budget.beginPrompted()];
  const begun: number[] = [];
  const indices = Array.from({ length: 14 }, (_, index) => index);
  const waits = indices.map((index) => budget.enter({}, () => begun.push(index)));
  expect(waits).toEqual(indices.map((index) => index >= 12));
  first[Symbol.dispose]();
  expect(begun).toEqual(indices);
  second[Symbol.dispose]();
});

test('of streams that wait, the one whose masks have lost most is next, but none waits for ever', () => {
  const { budget, clock } = openBudget();
  const [drifting, steady] = [{}, {}];
  expect(budget.tryBegin(drifting, '', 1)).toBe(true);
  expect(budget.tryBegin(steady, '', 0.1)).toBe(false);
  clock.nowMs += 100;
  budget.end(drifting);
  // It asked later and needs it more.
  expect(budget.tryBegin(drifting, '', 1)).toBe(true);
  expect(budget.tryBegin(steady, '', 0.1)).toBe(false);
  clock.nowMs += 450;
  expect(budget.tryBegin(steady, '', 0.1)).toBe(false);
  clock.nowMs += 450;
  budget.end(drifting);
  // Since it asked, a second has gone by.
  expect(budget.tryBegin(drifting, '', 1)).toBe(false);
  expect(budget.tryBegin(steady, '', 0.1)).toBe(true);
});
