import { expect, test } from 'vitest';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { propagationLoss } from '../../../src/tracking/object/propagation-loss.ts';
import { newTrackedObject } from '../../../src/tracking/object/tracked-object.ts';

/** One frame later, at 24 frames a second. */
const usualUs = 1e6 / 24;

const fresh = {
  ...newTrackedObject(1, emptySoftMask({ width: 8, height: 8 })),
  area: 400,
  sourceKeyframe: { frameIndex: 0, timestampUs: 0, predictedIou: 0.9, presence: 1, area: 400 },
};

test('the more the refiner doubts a mask, the more propagation has cost it', () => {
  const losses = [0.95, 0.85, 0.6].map((refinedIou) =>
    propagationLoss({ ...fresh, refinedIou }, usualUs),
  );
  expect(losses[0]).toBe(0);
  expect(losses[1]).toBeGreaterThan(0);
  expect(losses[2]).toBeGreaterThan(3 * losses[1]!);
});

test('where it was not asked, loss grows with time and with changes of shape', () => {
  const young = propagationLoss(fresh, usualUs);
  expect(propagationLoss({ ...fresh, residualFrames: 5 }, 6 * usualUs)).toBeGreaterThan(young);
  expect(propagationLoss({ ...fresh, nonRigidSum: 0.2 }, usualUs)).toBeGreaterThan(young);
});

test('a frame after a long time has cost as much as the frames that are missing in between', () => {
  const sixth = propagationLoss({ ...fresh, residualFrames: 5 }, 6 * usualUs);
  expect(propagationLoss(fresh, 6 * usualUs)).toBeCloseTo(sixth);
});

test('an object that is being covered loses at once, whatever the refiner says', () => {
  for (const refinedIou of [null, 0.95]) {
    const whole = propagationLoss({ ...fresh, refinedIou }, usualUs);
    const half = propagationLoss({ ...fresh, refinedIou, area: 180 }, usualUs);
    expect(half - whole).toBeGreaterThan(0.15);
  }
});
