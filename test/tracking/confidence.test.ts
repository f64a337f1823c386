import { expect, test } from 'vitest';
import {
  confidenceFeatureNames,
  confidenceFeatures,
  expectedIou,
  type MaskEvidence,
} from '../../src/tracking/confidence.ts';
import { confidenceModel } from '../../src/tracking/confidence-model.ts';
import { emptySoftMask } from '../../src/tracking/model-mask.ts';
import { confidenceOf, newTrackedObject } from '../../src/tracking/tracked-object.ts';
import { discMask, softDisc } from './shapes.ts';

const typical: MaskEvidence = {
  anchorIou: 0.85,
  agreementIou: 0.8,
  presence: 0.95,
  ageSeconds: 0.3,
  residualRatio: 0.03,
  areaChange: 0.1,
  travelRatio: 0.2,
  fuzzRatio: 0.15,
  refinedIou: null,
};

test('there is one weight for each feature', () => {
  expect(confidenceModel.weights).toHaveLength(confidenceFeatureNames.length);
  expect(confidenceFeatures(typical)).toHaveLength(confidenceFeatureNames.length);
});

test.each([
  ['anchorIou', [0, 0.3, 0.6, 0.9, 1], 'rises'],
  ['ageSeconds', [0, 0.1, 0.5, 2, 60], 'falls'],
  ['residualRatio', [0, 0.02, 0.05, 0.1], 'falls'],
  ['areaChange', [0, 0.2, 0.5, 1], 'falls'],
  ['fuzzRatio', [0, 0.1, 0.3, 0.9], 'falls'],
] as const)('confidence with %s %j %s', (name, values, way) => {
  const scores = values.map((value) => expectedIou({ ...typical, [name]: value }));
  const inOrder = scores.toSorted((a, b) => (way === 'rises' ? a - b : b - a));
  expect(scores).toEqual(inOrder);
  expect(new Set(scores).size).toBe(scores.length);
});

test('whatever the evidence, confidence is a finite number between 0 and 1', () => {
  for (const extreme of [0, 1, 1e9]) {
    const score = Math.min(1, extreme);
    const evidence: MaskEvidence = {
      anchorIou: score,
      agreementIou: score,
      presence: score,
      ageSeconds: extreme,
      residualRatio: extreme,
      areaChange: extreme,
      travelRatio: extreme,
      fuzzRatio: score,
      refinedIou: score,
    };
    const confidence = expectedIou(evidence);
    expect(confidence).toBeGreaterThanOrEqual(0);
    expect(confidence).toBeLessThanOrEqual(1);
    for (const feature of confidenceFeatures(evidence)) expect(Number.isFinite(feature)).toBe(true);
  }
});

const size = { width: 64, height: 48 };

test('a given mask is certain, an object that nobody segmented yet is not known at all', () => {
  const soft = softDisc({ x: 30, y: 20, radius: 9 }, size);
  const object = newTrackedObject(1, soft);
  expect(confidenceOf(object, 0)).toBe(0);
  expect(confidenceOf({ ...object, given: discMask({ x: 30, y: 20, radius: 9 }, size) }, 0)).toBe(
    1,
  );
});

test('an empty mask is as sure as the object is absent', () => {
  const anchor = {
    frameIndex: 0,
    timestampUs: 0,
    predictedIou: 0.9,
    agreementIou: null,
    presence: 0.2,
    area: 0,
  };
  const object = { ...newTrackedObject(1, emptySoftMask(size)), anchor };
  expect(confidenceOf(object, 1e6)).toBeCloseTo(0.8, 6);
});
