import { expect, test } from 'vitest';
import { FrameGate } from '../../../src/pipeline/keyframe/frame-gate.ts';

/** A gate on a clock of its own, and what is in work beside it. */
function openGate() {
  const clock = { nowMs: 0 };
  const work = { isKeyframeRunning: false, prompted: 0 };
  const timers: { readonly atMs: number; readonly happen: () => void; isOff: boolean }[] = [];
  const gate = new FrameGate(
    () => clock.nowMs,
    (ms, happen) => {
      const timer = { atMs: clock.nowMs + ms, happen, isOff: false };
      timers.push(timer);
      return () => void (timer.isOff = true);
    },
    () => work,
  );
  const begun: string[] = [];
  /** So many frames of a stream each; those that were let in at once. */
  const enter = (...streams: string[]): boolean[] =>
    streams.map((name) => !gate.enter({ name }, () => begun.push(name)));
  const pass = (ms: number): void => {
    clock.nowMs += ms;
    for (const timer of timers.splice(0)) {
      if (timer.isOff) continue;
      if (timer.atMs <= clock.nowMs) timer.happen();
      else timers.push(timer);
    }
  };
  return { gate, work, begun, enter, pass };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, k) => `s${k}`);

test('a keyframe holds nothing up while frames are in time', () => {
  const { gate, work, enter } = openGate();
  work.isKeyframeRunning = true;
  gate.onKeyframe();
  expect(enter(...names(100))).not.toContain(false);
});

test('on an overloaded server so many frames begin beside a keyframe; the others when it is over, in order', () => {
  const { gate, work, begun, enter } = openGate();
  gate.onLate();
  work.isKeyframeRunning = true;
  gate.onKeyframe();
  const entered = enter(...names(100));
  const atOnce = entered.filter(Boolean).length;
  expect(atOnce).toBeGreaterThan(0);
  expect(entered.slice(atOnce)).not.toContain(true);
  work.isKeyframeRunning = false;
  gate.onKeyframe();
  expect(begun).toEqual(names(100));
});

test('a model that hangs holds a frame up for 150 ms, and no other one before the next keyframe', () => {
  const { gate, work, begun, enter, pass } = openGate();
  gate.onLate();
  work.isKeyframeRunning = true;
  gate.onKeyframe();
  enter(...names(100));
  pass(149);
  expect(begun.length).toBeLessThan(100);
  pass(1);
  expect(begun).toEqual(names(100));
  expect(enter('late')).toEqual([true]);
});

test('two seconds after the last late frame the server is overloaded no more', () => {
  const { gate, work, enter, pass } = openGate();
  gate.onLate();
  work.isKeyframeRunning = true;
  gate.onKeyframe();
  pass(2000);
  expect(enter(...names(100))).not.toContain(false);
});

test('while several streams wait for their first masks few frames of others begin, overload or not', () => {
  const { gate, work, begun, enter } = openGate();
  work.prompted = 2;
  expect(enter(...names(14))).toEqual([...Array<boolean>(12).fill(true), false, false]);
  // One has its masks: as many again may begin.
  work.prompted = 1;
  gate.onKeyframe();
  expect(begun).toEqual(names(14));
});

test('a stream that ends waits no more', () => {
  const { gate, work, begun, enter } = openGate();
  work.prompted = 2;
  enter(...names(12));
  const stream = {};
  expect(gate.enter(stream, () => begun.push('ended'))).toBe(true);
  gate.leave(stream);
  gate.leave(stream);
  expect(begun.filter((name) => name === 'ended')).toHaveLength(1);
});
