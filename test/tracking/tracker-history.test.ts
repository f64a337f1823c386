import { expect, test } from 'vitest';
import type { SoftMask } from '../../src/frame/soft-mask.ts';
import { sceneCutThreshold } from '../../src/tracking/flow/scene-cut.ts';
import { takeFlowField } from '../../src/tracking/flow/image.ts';
import { takePlane } from '../../src/tracking/flow/spare-planes.ts';
import { newTrackedObject } from '../../src/tracking/object/tracked-object.ts';
import {
  joinSteps,
  TrackerHistory,
  type Moment,
  type Step,
} from '../../src/tracking/tracker-history.ts';
import { endPointError, softMask, uniformFlow } from '../fixtures/textures.ts';

const size = { width: 32, height: 18 };

function stepOf(shift: number | null, sceneCut = 0): Step {
  const flow = uniformFlow(size, shift ?? 0, 0);
  return { motion: shift === null ? null : { flow, residual: new Float32Array(0) }, sceneCut };
}

/** A frame that moved by `shift` pixels since the one before; null: nothing was compared. */
function moment(index: number, shift: number | null = 1, sceneCut = 0): Moment {
  const step = stepOf(shift, sceneCut);
  return {
    frame: { index, timestampUs: index * 1000, analysis: size, display: size },
    ...step,
    steps: [step],
    objects: new Map(),
  };
}

function historyOf(moments: readonly Moment[], mostFrames = 8): TrackerHistory {
  const history = new TrackerHistory(mostFrames);
  for (const one of moments) history.put(one);
  return history;
}

/** The memory of planes that were given back, the newest first. */
function takeMemory(planes: number): ArrayBufferLike[] {
  return Array.from({ length: planes }, () => takePlane(1).buffer);
}

function newMask(): SoftMask {
  return softMask(size, (x) => x < 4);
}

test('it holds the newest frames, and no more of them', () => {
  const history = historyOf(
    [1, 2, 3, 4, 5].map((index) => moment(index)),
    3,
  );
  expect([1, 2, 3, 4, 5].map((index) => history.at(index)?.frame.index)).toEqual([
    undefined,
    undefined,
    3,
    4,
    5,
  ]);
  history.clear();
  expect(history.at(5)).toBeUndefined();
});

test('a frame that is worked on again takes the place of its moment, and keeps its order', () => {
  const history = historyOf([moment(1), moment(2), moment(3)], 3);
  history.put(moment(2, 10));
  expect(history.at(1)).toBeDefined();
  const path = history.pathTo(1)!;
  expect(endPointError(path, () => ({ x: 11, y: 0 }), 0)).toBeLessThan(1e-5);
});

test('the way back is the flow over all frames between, none of it the keyframe’s own', () => {
  const history = historyOf([moment(3, 100), moment(4, 1), moment(5, null), moment(7, 2.5)]);
  expect(endPointError(history.pathTo(3)!, () => ({ x: 3.5, y: 0 }), 0)).toBeLessThan(1e-5);
  expect(endPointError(history.pathTo(4)!, () => ({ x: 2.5, y: 0 }), 0)).toBeLessThan(1e-5);
  expect(history.pathTo(7)).toBeNull();
});

test('the way back leaves the flow of each frame as it was', () => {
  const history = historyOf([moment(1), moment(2, 1), moment(3, 2)]);
  history.pathTo(1);
  history.pathTo(1);
  expect(history.at(2)?.motion?.flow.u[0]).toBe(1);
  expect(history.at(3)?.motion?.flow.u[0]).toBe(2);
});

test('where no picture was compared there is no way', () => {
  expect(historyOf([moment(1), moment(2, null), moment(3, null)]).pathTo(1)).toBeNull();
});

test('a cut counts after its frame, not on it', () => {
  const history = historyOf([moment(1), moment(2, null, sceneCutThreshold), moment(3)]);
  expect([1, 2, 3].map((index) => history.hasCutAfter(index))).toEqual([true, false, false]);
  const nearly = historyOf([moment(1), moment(2, 1, sceneCutThreshold - 1e-6)]);
  expect(nearly.hasCutAfter(1)).toBe(false);
});

test('what was changed on a frame is taken over, and later changes of the map are not', () => {
  const history = historyOf([moment(1), moment(2)]);
  const object = newTrackedObject(
    7,
    softMask(size, (x) => x < 4),
  );
  const objects = new Map([[7, object]]);
  history.amend(1, objects);
  objects.clear();
  expect(history.at(1)?.objects.get(7)).toBe(object);
  expect(history.at(2)?.objects.size).toBe(0);
  // A frame that is too old: nothing to amend.
  history.amend(0, new Map([[7, object]]));
  expect(history.at(0)).toBeUndefined();
});

test('a mask is freed when no moment has it any more', () => {
  const [still, moved, changed] = [newMask(), newMask(), newMask()];
  const withMask = (index: number, soft: typeof still): Moment => ({
    ...moment(index),
    objects: new Map([[7, newTrackedObject(7, soft)]]),
  });
  const isFree = () => [still, moved, changed].map(({ values }) => values.length === 0);
  const history = historyOf([withMask(1, still), withMask(2, still), withMask(3, moved)], 3);
  history.put(withMask(4, moved));
  expect(isFree()).toEqual([false, false, false]);
  history.put(withMask(5, moved));
  expect(isFree()).toEqual([true, false, false]);
  for (const index of [3, 4]) history.amend(index, withMask(index, changed).objects);
  expect(isFree()).toEqual([true, false, false]);
  history.amend(5, withMask(5, changed).objects);
  expect(isFree()).toEqual([true, true, false]);
  history.clear();
  expect(isFree()).toEqual([true, true, true]);
});

test('flow that a replay takes over stays, and what it replaces is given back', () => {
  const history = historyOf([moment(1), moment(2)]);
  const flow = takeFlowField(size);
  const step = { motion: { flow, residual: takePlane(flow.u.length) }, sceneCut: 0 };
  history.put({ ...history.at(2)!, ...step, steps: [step] });
  history.put({ ...history.at(2)!, sceneCut: 0.3 });
  const { buffer } = flow.u;
  expect(takeMemory(8)).not.toContain(buffer);
  history.put(moment(2, 5));
  expect(takeMemory(3)).toContain(buffer);
});

test('steps over dropped frames are one: flow composed, the likeliest cut', () => {
  const joined = joinSteps([stepOf(2, 0.1), stepOf(null), stepOf(3, 0.4), stepOf(1)]);
  expect(endPointError(joined.motion!.flow, () => ({ x: 6, y: 0 }), 0)).toBeLessThan(1e-5);
  expect(joined.sceneCut).toBe(0.4);
  const only = stepOf(2);
  expect(joinSteps([only])).toBe(only);
  expect(joinSteps([stepOf(null), stepOf(null)]).motion).toBeNull();
});
