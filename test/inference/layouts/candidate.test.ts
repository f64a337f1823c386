import { expect, test } from 'vitest';
import {
  calibrate,
  chooseCandidate,
  promptCase,
} from '../../../src/inference/layouts/candidate.ts';

type Settings = Parameters<typeof chooseCandidate>[2];

function settings(changes: Partial<Settings> = {}): Settings {
  return {
    masks: { side: 1, candidates: 3, unambiguousPromptCandidate: 0, choice: 'score' },
    iou: { activation: 'none', calibration: identity, calibrationByPrompt: {} },
    presence: { activation: 'sigmoid' },
    ...changes,
  };
}

const identity: [number, number][] = [
  [0, 0],
  [1, 1],
];
const candidates = {
  logits: Float32Array.of(2, 3, 4),
  scores: Float32Array.of(0.5, 0.9, 0.7),
  presence: 0,
};
const shape = { clicks: 0, box: false, prior: false, memory: 0 };

test('a lone click takes the candidate with the highest score among equally stable ones', () => {
  const chosen = chooseCandidate(candidates, { ...shape, clicks: 1 }, settings());
  expect([...chosen.logits]).toEqual([3]);
  expect(chosen.predictedIou).toBeCloseTo(0.9, 5);
});

test('a lone click takes a stable candidate over a blurred one with a slightly higher score', () => {
  const raw = {
    // Side 2: the second candidate's outline is where the threshold happens to be.
    logits: Float32Array.of(9, 9, -9, -9, 9, 0.5, -0.5, -9, -9, -9, -9, 9),
    scores: Float32Array.of(0.8, 0.85, 0.3),
    presence: 0,
  };
  const masks = { ...settings().masks, side: 2, unambiguousPromptCandidate: 2 };
  const chosen = chooseCandidate(raw, { ...shape, clicks: 1 }, settings({ masks }));
  expect([...chosen.logits]).toEqual([9, 9, -9, -9]);
  expect(chosen).toMatchObject({ stability: 1, consensus: 1 });
});

test.each([
  { ...shape, clicks: 2 },
  { ...shape, box: true },
  { ...shape, clicks: 1, box: true },
  { ...shape, clicks: 1, prior: true },
  { ...shape, clicks: 1, memory: 1 },
])('a clear prompt %o takes the first candidate', (clear) => {
  const chosen = chooseCandidate(candidates, clear, settings());
  expect([...chosen.logits]).toEqual([2]);
  expect(chosen.predictedIou).toBeCloseTo(0.5, 5);
});

test('the strongest evidence names the case: memory, mask, box, clicks, click', () => {
  expect(promptCase({ clicks: 2, box: true, prior: true, memory: 1 })).toBe('memory');
  expect(promptCase({ clicks: 2, box: true, prior: true, memory: 0 })).toBe('mask');
  expect(promptCase({ clicks: 2, box: true, prior: false, memory: 0 })).toBe('box');
  expect(promptCase({ clicks: 2, box: false, prior: false, memory: 0 })).toBe('clicks');
  expect(promptCase({ clicks: 1, box: false, prior: false, memory: 0 })).toBe('click');
});

test('scores pass through the activation and then the table of their prompt', () => {
  const box: [number, number][] = [
    [0, 0.5],
    [1, 0.7],
  ];
  const iou: Settings['iou'] = {
    activation: 'sigmoid',
    calibration: identity,
    calibrationByPrompt: { box },
  };
  const raw = { ...candidates, scores: Float32Array.of(0, 0, 0) };
  expect(chooseCandidate(raw, { ...shape, box: true }, settings({ iou })).predictedIou).toBeCloseTo(
    0.6,
    5,
  );
  expect(chooseCandidate(raw, { ...shape, prior: true }, settings({ iou })).predictedIou).toBe(0.5);
});

test('presence is the logistic of the logit, and 1 where the model cannot tell', () => {
  const box = { ...shape, box: true };
  expect(chooseCandidate(candidates, box, settings()).presence).toBe(0.5);
  expect(chooseCandidate({ ...candidates, presence: null }, box, settings()).presence).toBe(1);
  expect(
    chooseCandidate({ ...candidates, presence: 3 }, box, settings({ presence: null })).presence,
  ).toBe(1);
});

test('calibration is linear between knots, level outside, and never passes NaN on', () => {
  const knots: [number, number][] = [
    [0.2, 0.1],
    [0.6, 0.5],
    [0.8, 0.9],
  ];
  expect(calibrate(0, knots)).toBe(0.1);
  expect(calibrate(0.2, knots)).toBe(0.1);
  expect(calibrate(0.4, knots)).toBeCloseTo(0.3, 10);
  expect(calibrate(0.6, knots)).toBeCloseTo(0.5, 10);
  expect(calibrate(0.7, knots)).toBeCloseTo(0.7, 10);
  expect(calibrate(5, knots)).toBe(0.9);
  expect(calibrate(Number.NaN, knots)).toBe(0.1);
});
