import { expect, test } from 'vitest';
import {
  frameEvidence,
  keyframeNeed,
  type KnownOfFrame,
} from '../../../src/pipeline/keyframe/evidence.ts';
import { newObjectRecord, type ObjectRecord } from '../../../src/pipeline/prompts/object-record.ts';
import type { ObjectEvidence, StepEvidence } from '../../../src/tracking/tracker-types.ts';

const steady: ObjectEvidence = {
  box: { x: 0.4, y: 0.4, width: 0.2, height: 0.2 },
  objectId: 1,
  visible: true,
  missing: false,
  confidence: 0.9,
  confidenceDrop: 0,
  lossSum: 0,
  redetection: 'none',
};

function record(objectId: number, state: ObjectRecord['state']): [number, ObjectRecord] {
  const named = newObjectRecord(objectId, null, { frameIndex: 0, timestampUs: 0 });
  return [objectId, { ...named, state }];
}

function evidenceOf(...objects: Partial<ObjectEvidence>[]) {
  const step: StepEvidence = {
    sceneCut: 0.2,
    objects: objects.map((object, i) => ({ ...steady, objectId: i + 1, ...object })),
    crops: [],
    delivered: null,
  };
  const known: KnownOfFrame = {
    frameIndex: 7,
    timestampUs: 280_000,
    prompted: false,
    sizeChanged: false,
    resumed: true,
    firstPromptFrame: 0,
    lastKeyframe: { frameIndex: 5, timestampUs: 200_000 },
    live: null,
    records: new Map([record(1, 'visible'), record(2, 'occluded'), record(3, 'pending')]),
  };
  return frameEvidence(step, known);
}

test('what is known of the frame is handed on', () => {
  expect(evidenceOf({})).toMatchObject({
    frameIndex: 7,
    timestampUs: 280_000,
    resumed: true,
    lastKeyframe: { frameIndex: 5, timestampUs: 200_000 },
    sceneCut: 0.2,
  });
});

test('only confidence that has clearly fallen counts', () => {
  expect(evidenceOf({ confidence: 0.2, confidenceDrop: 0.09 }).lowestConfidence).toBe(1);
  expect(evidenceOf({ confidence: 0.2, confidenceDrop: 0.1 }).lowestConfidence).toBe(0.2);
});

test('the worst of several objects speaks for the frame', () => {
  const evidence = evidenceOf(
    { confidence: 0.5, confidenceDrop: 0.3, lossSum: 0.1 },
    { confidence: 0.4, confidenceDrop: 0.2, lossSum: 0.3 },
  );
  expect(evidence).toMatchObject({ trackedObjects: 2, lowestConfidence: 0.4, largestLossSum: 0.3 });
});

test('a missing object is not trusted, and asks for re-detection once it had a mask', () => {
  const gone = { visible: false, missing: true } as const;
  const evidence = evidenceOf(
    {},
    { ...gone, redetection: 'due' },
    { ...gone, redetection: 'urgent' },
  );
  // The third was never seen: there is nothing to re-detect it by.
  expect(evidence).toMatchObject({ trackedObjects: 1, missingObjects: 1, redetection: 'due' });
  const wrong = evidenceOf({ missing: true, confidence: 0.1, confidenceDrop: 0.8, lossSum: 2 });
  expect(wrong).toMatchObject({ trackedObjects: 0, lowestConfidence: 1, largestLossSum: 0 });
});

function needOf(...objects: Partial<ObjectEvidence>[]): number {
  return keyframeNeed({ objects: objects.map((object) => ({ ...steady, ...object })) });
}

test('a stream needs a keyframe as much as its worst object has lost, and most for one that is missing', () => {
  expect(needOf()).toBe(0);
  expect(needOf({ lossSum: 0.2 }, { lossSum: 0.7 })).toBe(0.7);
  expect(needOf({ missing: true }, { lossSum: 0.7 })).toBe(2);
});
