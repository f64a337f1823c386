import { expect, test } from 'vitest';
import { loadPredictor, type MeasuredCosts } from '../../../src/server/admission/predict-load.ts';
import type { StreamExpectation } from '../../../src/server/admission/stream-demand.ts';

const costs: MeasuredCosts = {
  encodeMs: 18,
  decodeMs: 10,
  refineMs: 2,
  flowMs: 0.84,
  parallelism: 2,
};

const camera: StreamExpectation = {
  size: { width: 1280, height: 720 },
  frameRate: 30,
  objects: 1,
  delivery: 'latest',
  keyframes: {
    kind: 'adaptive',
    minIntervalFrames: 3,
    maxIntervalFrames: 16,
    intervalsAreTimes: true,
    minConfidence: 0.65,
  },
  seenInterval: null,
};

const predict = loadPredictor(costs);

test('a camera of the machine that the figures are of', () => {
  // Measured there: 13.6 ms of CPU a frame (npm run bench admission-cost).
  expect(predict(camera)).toBeCloseTo(0.4, 1);
});

test('more of anything costs more, and twice the frames twice as much', () => {
  const usual = predict(camera);
  expect(predict({ ...camera, frameRate: 60 })).toBeCloseTo(2 * usual);
  expect(predict({ ...camera, objects: 2 })).toBeGreaterThan(usual);
  expect(predict({ ...camera, size: { width: 1920, height: 1080 } })).toBeGreaterThan(usual);
  expect(predict({ ...camera, seenInterval: 3 })).toBeGreaterThan(usual);
  expect(predict({ ...camera, keyframes: { kind: 'fixed', intervalFrames: 1 } })).toBeGreaterThan(
    usual,
  );
});

test('a machine that is half as fast takes twice as long', () => {
  const [encodeMs, decodeMs, refineMs, flowMs] = [36, 20, 4, 1.68];
  const slow = loadPredictor({ encodeMs, decodeMs, refineMs, flowMs, parallelism: 2 });
  expect(slow(camera)).toBeCloseTo(2 * predict(camera));
});

test('keyframes that no machine could make are made less often in LATEST, and in EVERY_FRAME slow it down', () => {
  const heavy = loadPredictor({ ...costs, encodeMs: 2000 });
  const light = loadPredictor({ ...costs, encodeMs: 0, decodeMs: 0 });
  expect(heavy(camera)).toBeCloseTo(light(camera) + 2);
  expect(heavy({ ...camera, delivery: 'every-frame' })).toBeGreaterThan(light(camera) + 4);
});

test('fewer frames never cost more than 24 a second, though their keyframes are closer together', () => {
  const usual = predict({ ...camera, frameRate: 24 });
  for (const frameRate of [20, 15, 12, 10, 8, 6, 5, 4, 3, 2, 1]) {
    expect(predict({ ...camera, frameRate })).toBeLessThan(usual);
  }
  const interval = { kind: 'fixed', intervalFrames: 15 } as const;
  const slow = { ...camera, frameRate: 5 };
  expect(predict(slow)).toBeGreaterThan(predict({ ...slow, keyframes: interval }));
});
