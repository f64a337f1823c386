import { expect, test } from 'vitest';
import { wholePicture } from '../../../src/frame/geometry.ts';
import type { ObjectMemory } from '../../../src/frame/ports.ts';
import { recalledPasses } from '../../../src/pipeline/keyframe/recalled-passes.ts';
import { newObjectRecord } from '../../../src/pipeline/prompts/object-record.ts';
import { fakeModel } from '../../fixtures/fake-segmenter.ts';
import { answer, priorMask, runPasses } from '../../fixtures/passes.ts';

const info = {
  ...fakeModel,
  objectMemory: { maxBytes: 100, maskPrompts: 'exact' },
} as const;
const known: ObjectMemory = { keyframes: 3, traces: [] };
const fresh = newObjectRecord(1, null, { frameIndex: 0, timestampUs: 0 });
const record = { ...fresh, objectMemory: known };
const click = { x: 0.25, y: 0.5, label: 'positive' } as const;
const prompt = { clicks: [click], box: null, clickedBox: null };
const region = wholePicture;

test('a new prompt is asked without what was remembered before', () => {
  const object = { kind: 'prompted', record, region, prompt } as const;
  const { asked, action } = runPasses(recalledPasses(object, info), [answer(2, 6)]);
  expect(asked).toMatchObject([{ clicks: [click], box: null, prior: null, objectMemory: null }]);
  expect(action).toMatchObject({ hidden: false, redetected: false, prompt: { agreementIou: 1 } });
});

test('a correction is asked together with the memory, not with the propagated mask', () => {
  const prior = priorMask();
  const object = { kind: 'corrected', record, region, prompt, prior } as const;
  const { asked } = runPasses(recalledPasses(object, info), [answer(2, 6)]);
  expect(asked).toMatchObject([{ clicks: [click], prior: null, objectMemory: known }]);
});

test('a tracked object is asked by memory alone, and hidden where the model says so', () => {
  const prior = priorMask();
  const object = { kind: 'tracked', record, region, prior, redetectionRegion: null } as const;
  const shown = runPasses(recalledPasses(object, info), [answer(2, 6)]);
  expect(shown.asked).toMatchObject([{ clicks: [], box: null, prior: null, objectMemory: known }]);
  expect(shown.action).toMatchObject({ hidden: false, redetected: false });
  const absent = answer(2, 6, { presence: 0.4 });
  expect(runPasses(recalledPasses(object, info), [absent]).action).toMatchObject({ hidden: true });
});

test('a hidden object is found again by presence alone', () => {
  const object = { kind: 'hidden', record, region } as const;
  const found = runPasses(recalledPasses(object, info), [answer(2, 6, { predictedIou: 0.1 })]);
  expect(found.action).toMatchObject({ hidden: false, redetected: true });
});

test('nothing is asked of an object that the model knows nothing of', () => {
  const object = { kind: 'hidden', record: fresh, region } as const;
  expect(runPasses(recalledPasses(object, info), [])).toEqual({ asked: [], action: null });
});
