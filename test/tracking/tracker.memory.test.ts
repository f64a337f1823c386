import { expect, test } from 'vitest';
import type { ObjectOutput } from '../../src/tracking/delivery-types.ts';
import { giveBackPlane, takePlane } from '../../src/tracking/flow/spare-planes.ts';
import type { Tracker } from '../../src/tracking/tracker.ts';
import { discPicture, newTracker, outputs, segmented, size } from '../fixtures/moving-disc.ts';

const gridPixels = size.width * size.height;

/** Spoils all memory that was given back: whoever still reads it has no number to go on with. */
function spoilSpareMemory(): void {
  const planes = Array.from({ length: 192 }, () => takePlane(gridPixels));
  for (const plane of planes) giveBackPlane(plane.fill(Number.NaN));
}

type Act = (tracker: Tracker) => void;

const advance =
  (index: number, ...bridge: readonly number[]): Act =>
  (tracker) =>
    void tracker.advance(discPicture(index), {
      needMotion: true,
      bridge: bridge.map((dropped) => discPicture(dropped)),
    });
const apply =
  (objectId: number, index: number): Act =>
  (tracker) =>
    void tracker.apply([segmented(objectId, index)]);
const restore =
  (index: number): Act =>
  (tracker) =>
    tracker.restore(discPicture(index));

/** More frames than the history holds, dropped ones, corrections, and keyframes that come late. */
const acts: readonly Act[] = [
  advance(0),
  apply(1, 0),
  advance(1),
  advance(2),
  advance(5, 3, 4),
  advance(6),
  advance(7),
  (tracker) => void tracker.applyAsyncKeyframe(5, [segmented(1, 5)]),
  restore(5),
  apply(2, 5),
  advance(6),
  advance(7),
  advance(9, 8),
  restore(6),
  // Another path to the frame: its flow is made anew.
  advance(7),
  advance(9),
  (tracker) => void tracker.applyAsyncKeyframe(6, [segmented(1, 6), segmented(2, 6)]),
  advance(10),
];

const historyFrames = 4;

/** Masks after each act; `between` happens after it. */
function play(tracker: Tracker, between: (step: number) => void): ObjectOutput[][] {
  return acts.map((act, step) => {
    act(tracker);
    between(step);
    return outputs(tracker);
  });
}

function masksAlone(): ObjectOutput[][] {
  const tracker = newTracker(historyFrames);
  const masks = play(tracker, () => undefined);
  tracker.close();
  return masks;
}

test('no memory is given back that a later step reads', () => {
  const tracker = newTracker(historyFrames);
  const alone = masksAlone();
  expect(alone.at(-1)).toHaveLength(2);
  expect(play(tracker, spoilSpareMemory)).toEqual(alone);
  tracker.close();
});

test('streams that share a thread have the masks that each has alone, when others end too', () => {
  const alone = masksAlone();
  const first = newTracker(historyFrames);
  const second = newTracker(historyFrames);
  const ofSecond: ObjectOutput[][] = [];
  const ofFirst = play(first, (step) => {
    acts[step]!(second);
    const passing = newTracker(historyFrames);
    for (const act of acts.slice(0, 4)) act(passing);
    passing.close();
    ofSecond.push(outputs(second));
  });
  expect(ofFirst).toEqual(alone);
  expect(ofSecond).toEqual(alone);
  first.close();
  second.close();
});

/** As many planes as a full history holds: across, down and residual of each frame. */
function takeHistory(): Float32Array[] {
  return Array.from({ length: 3 * historyFrames }, () => takePlane(gridPixels));
}

test('a stream after another takes its memory', () => {
  const tracker = newTracker(historyFrames);
  for (let index = 0; index <= historyFrames; index++) advance(index)(tracker);
  tracker.close();
  const given = takeHistory();
  for (const plane of given) giveBackPlane(plane);
  const next = newTracker(historyFrames);
  for (let index = 0; index <= historyFrames; index++) advance(index)(next);
  // All of it is in use: whoever asks now gets other memory.
  const memory = new Set(given.map(({ buffer }) => buffer));
  expect(takeHistory().filter(({ buffer }) => memory.has(buffer))).toEqual([]);
  next.close();
});
