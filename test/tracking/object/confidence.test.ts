import { runLengthsOf } from '../../../src/frame/coco-rle.ts';
import { expect, test } from 'vitest';
import {
  certainPrompt,
  confidenceDoubtNames,
  confidenceDoubts,
  expectedIou,
  expectedIouOfFollowing,
  type MaskEvidence,
  type PromptClarity,
} from '../../../src/tracking/object/confidence.ts';
import { confidenceModel } from '../../../src/tracking/object/confidence-model.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { changeObject } from '../../../src/tracking/object/steps.ts';
import {
  confidenceOf,
  followingConfidenceOf,
  newTrackedObject,
  presenceOf,
} from '../../../src/tracking/object/tracked-object.ts';
import type { SegmentedAction } from '../../../src/tracking/tracker-types.ts';
import { wholePicture } from '../../../src/frame/geometry.ts';
import { discLogits, discMask, softDisc } from '../../fixtures/discs.ts';

const doubtful: PromptClarity = {
  stability: 0.6,
  consensus: 0.4,
  agreementIou: 0.3,
};
const typical: MaskEvidence = {
  prompt: certainPrompt,
  keyframeIou: 0.85,
  presence: 0.95,
  ageSeconds: 0.3,
  residualRatio: 0.03,
  areaPixels: 6000,
  areaChange: 0.1,
  nonRigidMotion: 0.02,
  pathLengthRatio: 0.2,
  uncertaintyRatio: 0.15,
  refinedIou: null,
};

test('there is one weight for each doubt, and none speaks for a mask', () => {
  expect(confidenceModel.weights).toHaveLength(confidenceDoubtNames.length);
  expect(confidenceDoubts(typical)).toHaveLength(confidenceDoubtNames.length);
  for (const weight of confidenceModel.weights) expect(weight).toBeGreaterThanOrEqual(0);
});

test.each([
  ['keyframeIou', [0, 0.3, 0.6, 0.9, 1], 'rises'],
  ['presence', [0, 0.3, 0.6, 0.9, 1], 'rises'],
  ['ageSeconds', [0, 0.1, 0.5, 2], 'falls'],
  ['residualRatio', [0, 0.02, 0.05, 0.1], 'falls'],
  ['areaPixels', [2500, 4000, 8000, 16_000], 'rises'],
  ['areaChange', [0, 0.2, 0.5, 1], 'falls'],
  ['nonRigidMotion', [0, 0.05, 0.2, 1], 'falls'],
  ['pathLengthRatio', [0, 0.2, 0.5, 1], 'falls'],
  ['uncertaintyRatio', [0, 0.1, 0.3, 0.9], 'falls'],
] as const)('confidence with %s %j %s', (name, values, way) => {
  const scores = values.map((value) => expectedIou({ ...typical, [name]: value }));
  const inOrder = scores.toSorted((a, b) => (way === 'rises' ? a - b : b - a));
  expect(scores).toEqual(inOrder);
  expect(new Set(scores).size).toBe(scores.length);
});

test.each(['stability', 'consensus', 'agreementIou'] as const)(
  'confidence rises with the %s of the prompt',
  (name) => {
    const scores = [0, 0.4, 0.8, 1].map((value) =>
      expectedIou({ ...typical, prompt: { ...doubtful, [name]: value } }),
    );
    expect(scores).toEqual(scores.toSorted((a, b) => a - b));
    expect(new Set(scores).size).toBe(scores.length);
  },
);

test('whatever the evidence, confidence is a finite number between 0 and 1', () => {
  for (const extreme of [0, 1, 1e9]) {
    const score = Math.min(1, extreme);
    const prompt = {
      stability: score,
      consensus: score,
      agreementIou: score,
    };
    const evidence: MaskEvidence = {
      prompt,
      keyframeIou: score,
      presence: score,
      ageSeconds: extreme,
      residualRatio: extreme,
      areaPixels: extreme,
      areaChange: extreme,
      nonRigidMotion: extreme,
      pathLengthRatio: extreme,
      uncertaintyRatio: score,
      refinedIou: score,
    };
    const confidence = expectedIou(evidence);
    expect(confidence).toBeGreaterThanOrEqual(0);
    expect(confidence).toBeLessThanOrEqual(1);
    for (const doubt of confidenceDoubts(evidence)) {
      expect(doubt).toBeGreaterThanOrEqual(-1e-9);
      expect(doubt).toBeLessThan(10);
    }
  }
});

const size = { width: 64, height: 48 };
const maskSide = 32;

function frameAt(index: number) {
  const data = new Uint8Array((size.width * size.height * 3) / 2);
  return { index, timestampUs: index * 40_000, display: size, analysis: size, data };
}

function segmented(prompt: PromptClarity | null): SegmentedAction {
  return {
    kind: 'segmented',
    redetected: false,
    objectId: 1,
    logits: discLogits({ x: 30, y: 20, radius: 9 }, maskSide, size),
    predictedIou: 0.9,
    presence: 0.95,
    hidden: false,
    region: wholePicture,
    prompt,
  };
}

test('the doubt of a prompt stays through later keyframes until a clearer prompt', () => {
  const bare = newTrackedObject(1, emptySoftMask(size));
  const clear = changeObject(bare, segmented(certainPrompt), frameAt(0), {
    maskSide,
    samples: null,
  });
  const unclear = changeObject(bare, segmented(doubtful), frameAt(0), { maskSide, samples: null });
  const sure = confidenceOf(clear, 0);
  expect(confidenceOf(unclear, 0)).toBeLessThan(sure - 0.1);
  const later = changeObject(unclear, segmented(null), frameAt(8), { maskSide, samples: null });
  expect(confidenceOf(later, 320_000)).toBeCloseTo(confidenceOf(unclear, 0), 12);
  const corrected = changeObject(later, segmented(certainPrompt), frameAt(9), {
    maskSide,
    samples: null,
  });
  expect(confidenceOf(corrected, 360_000)).toBeCloseTo(sure, 12);
});

test('a mask that is given ends all doubt of an earlier prompt', () => {
  const bare = newTrackedObject(1, emptySoftMask(size));
  const unclear = changeObject(bare, segmented(doubtful), frameAt(0), { maskSide, samples: null });
  const mask = runLengthsOf(discMask({ x: 30, y: 20, radius: 9 }, size));
  const given = changeObject(unclear, { kind: 'given', objectId: 1, mask }, frameAt(1), {
    maskSide,
    samples: null,
  });
  expect(given.prompt).toEqual(certainPrompt);
  expect(confidenceOf(given, 40_000)).toBe(1);
});

test('keyframes are not asked for because of a doubt that none of them can mend', () => {
  const clear = expectedIouOfFollowing(typical);
  expect(expectedIouOfFollowing({ ...typical, prompt: doubtful })).toBe(clear);
  expect(expectedIouOfFollowing({ ...typical, areaPixels: 90 })).toBe(clear);
  expect(expectedIouOfFollowing({ ...typical, residualRatio: 0.1 })).toBeLessThan(clear);
  const bare = newTrackedObject(1, emptySoftMask(size));
  const unclear = changeObject(bare, segmented(doubtful), frameAt(0), { maskSide, samples: null });
  expect(followingConfidenceOf(unclear, 0)).toBeGreaterThan(confidenceOf(unclear, 0));
});

test('a given mask is certain, an object that nobody segmented yet is not known at all', () => {
  const soft = softDisc({ x: 30, y: 20, radius: 9 }, size);
  const object = newTrackedObject(1, soft);
  expect(confidenceOf(object, 0)).toBe(0);
  expect(
    confidenceOf(
      { ...object, given: runLengthsOf(discMask({ x: 30, y: 20, radius: 9 }, size)) },
      0,
    ),
  ).toBe(1);
});

test('an empty mask is as sure as the object is absent', () => {
  const sourceKeyframe = {
    frameIndex: 0,
    timestampUs: 0,
    predictedIou: 0.9,
    presence: 0.2,
    area: 0,
  };
  const object = { ...newTrackedObject(1, emptySoftMask(size)), sourceKeyframe };
  expect(confidenceOf(object, 1e6)).toBeCloseTo(0.8, 6);
});

test('presence says whether the object is there, with a mask or without', () => {
  const bare = newTrackedObject(1, emptySoftMask(size));
  expect(presenceOf(bare, 0)).toBeNull();
  const step = { maskSide, samples: null };
  const seen = changeObject(bare, segmented(certainPrompt), frameAt(0), step);
  expect(presenceOf(seen, 0)).toBe(0.95);
  const unsure = { ...segmented(certainPrompt), presence: 0.1 };
  const doubted = changeObject(bare, unsure, frameAt(0), step);
  // Right masks need their object.
  expect(presenceOf(doubted, 0)).toBe(confidenceOf(doubted, 0));
  expect(presenceOf(doubted, 0)).toBeGreaterThan(0.1);
  const gone = { ...segmented(null), presence: 0.02, hidden: true };
  const hidden = changeObject(seen, gone, frameAt(5), step);
  expect(hidden.area).toBe(0);
  // The answer is empty, and right where the object is indeed not there.
  expect(presenceOf(hidden, 200_000)).toBe(0.02);
  expect(confidenceOf(hidden, 200_000)).toBeCloseTo(0.98, 9);
});
