import { describe, expect, test } from 'vitest';
import { wholePicture } from '../../../src/frame/geometry.ts';
import type { ModelInfo } from '../../../src/frame/model.ts';
import { hiddenPasses, trackedPasses } from '../../../src/pipeline/keyframe/tracked-passes.ts';
import { newObjectRecord } from '../../../src/pipeline/prompts/object-record.ts';
import { fakeModel } from '../../fixtures/fake-segmenter.ts';
import { answer, passSide, priorMask, runPasses } from '../../fixtures/passes.ts';

const record = newObjectRecord(1, null, { frameIndex: 0, timestampUs: 0 });
const memory = [{ features: null as never, mask: new Float32Array(passSide * passSide) }];
const near = { x: 0.25, y: 0.25, width: 0.5, height: 0.5 };
const poor = { predictedIou: 0.3, presence: 0.9 };

function model(averageMemoryPass: boolean): ModelInfo {
  const tracking = { ...fakeModel.tracking, averageMemoryPass };
  return { ...fakeModel, maskSide: passSide, tracking };
}

describe('an object that is tracked', () => {
  const tracked = {
    kind: 'tracked',
    record,
    region: near,
    prior: priorMask(),
    redetectionRegion: wholePicture,
  } as const;

  test('is decoded from its mask and its memory', () => {
    const { asked, action } = runPasses(trackedPasses(tracked, memory, model(false)), [
      answer(6, 10),
    ]);
    expect(asked).toMatchObject([{ region: near, prior: tracked.prior.mask, memory }]);
    expect(action).toMatchObject({ region: near, hidden: false, prompt: null });
  });

  test('is averaged with a pass by memory alone, where the model gains from it', () => {
    const passes = trackedPasses(tracked, memory, model(true));
    const { asked, action } = runPasses(passes, [answer(6, 10), answer(0, 16)]);
    expect(asked[1]).toMatchObject({ region: near, prior: null, memory });
    expect(action!.logits[0]).toBe(0);
  });

  test.each([
    ['better', { predictedIou: 0.7 }, wholePicture],
    ['no better', { predictedIou: 0.31, presence: 0.9 }, near],
    ['not surely there', { predictedIou: 0.9, presence: 0.49 }, near],
  ])('is re-detected where its mask led to nothing; that is %s', (_title, far, region) => {
    const passes = trackedPasses(tracked, memory, model(false));
    const { asked, action } = runPasses(passes, [answer(6, 10, poor), answer(6, 10, far)]);
    expect(asked[1]).toMatchObject({ region: wholePicture, prior: null });
    expect(action!.region).toBe(region);
  });

  test('is not re-detected without memory, nor where that was in vain not long ago', () => {
    const kept = { ...tracked, redetectionRegion: null };
    expect(
      runPasses(trackedPasses(kept, memory, model(false)), [answer(6, 10, poor)]).asked,
    ).toHaveLength(1);
    expect(
      runPasses(trackedPasses(tracked, [], model(false)), [answer(6, 10, poor)]).asked,
    ).toHaveLength(1);
  });

  test('hides where the model does not see it', () => {
    const gone = answer(6, 10, { presence: 0.1, predictedIou: 0.9 });
    const passes = trackedPasses({ ...tracked, redetectionRegion: null }, memory, model(false));
    expect(runPasses(passes, [gone]).action).toMatchObject({ hidden: true });
  });
});

test.each([
  [{ presence: 0.5, predictedIou: 0.5 }, false],
  [{ presence: 0.49, predictedIou: 0.9 }, true],
  [{ presence: 0.9, predictedIou: 0.49 }, true],
])('a hidden object stays hidden unless the model is sure: %j', (scores, hidden) => {
  const object = { kind: 'hidden', record, region: wholePicture } as const;
  const { asked, action } = runPasses(hiddenPasses(object, memory), [answer(6, 10, scores)]);
  expect(asked).toMatchObject([{ prior: null, clicks: [], box: null, memory }]);
  expect(action).toMatchObject({ hidden });
});
