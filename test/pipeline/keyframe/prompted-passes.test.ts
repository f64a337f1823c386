import { describe, expect, test } from 'vitest';
import { wholePicture, type Box } from '../../../src/frame/geometry.ts';
import type { ModelInfo } from '../../../src/frame/model.ts';
import type { Click } from '../../../src/frame/prompt.ts';
import { correctedPasses, promptedPasses } from '../../../src/pipeline/keyframe/prompted-passes.ts';
import { promptInPicture } from '../../../src/pipeline/keyframe/prompt-geometry.ts';
import { newObjectRecord } from '../../../src/pipeline/prompts/object-record.ts';
import { fakeModel } from '../../fixtures/fake-segmenter.ts';
import { answer, passSide, priorMask, runPasses } from '../../fixtures/passes.ts';

const display = { width: 64, height: 64 };
const record = newObjectRecord(1, null, { frameIndex: 0, timestampUs: 0 });
const middle: Click = { x: 32, y: 32, label: 'positive' };
const memory = [{ features: null as never, mask: new Float32Array(passSide * passSide) }];

function model(tracking: Partial<ModelInfo['tracking']>): ModelInfo {
  return { ...fakeModel, maskSide: passSide, tracking: { ...fakeModel.tracking, ...tracking } };
}

const thorough = model({ decodePromptTwice: true, averageFlipPass: true, regionScale: 2 });

function prompted(clicks: readonly Click[], box: Box | null = null) {
  const prompt = promptInPicture({ clicks, box }, display);
  return { kind: 'prompted', record, region: wholePicture, prompt } as const;
}

function corrected(clicks: readonly Click[]) {
  const prompt = promptInPicture({ clicks, box: null }, display);
  const prior = priorMask();
  return { kind: 'corrected', record, region: wholePicture, prompt, prior } as const;
}

describe('an object that is prompted', () => {
  test('takes one pass where the model gains from no other', () => {
    const { asked, action } = runPasses(promptedPasses(prompted([middle]), model({})), [
      answer(6, 10),
    ]);
    expect(asked).toMatchObject([{ region: wholePicture, prior: null, memory: [] }]);
    expect(action).toMatchObject({ objectId: 1, hidden: false, prompt: { agreementIou: 1 } });
  });

  test('by a click is decoded again in a zoomed crop with its first mask, and flipped', () => {
    const answers = [answer(6, 10), answer(4, 12), answer(4, 12)];
    const { asked, action } = runPasses(promptedPasses(prompted([middle]), thorough), answers);
    expect(asked.map(({ flipped }) => flipped)).toEqual([false, false, true]);
    expect(asked[1]!.region.width).toBeLessThan(0.5);
    expect(asked[1]!.prior).not.toBeNull();
    expect(asked[2]!.prior).not.toBeNull();
    // The answer is the zoomed crop's, averaged with the flipped one.
    expect(action!.region).toBe(asked[1]!.region);
  });

  test('by a box stays in its region, and its flipped pass gets no prior', () => {
    const object = prompted([], { x: 20, y: 20, width: 24, height: 24 });
    const { asked } = runPasses(promptedPasses(object, thorough), [
      answer(5, 11),
      answer(5, 11),
      answer(5, 11),
    ]);
    expect(asked[1]).toMatchObject({ region: wholePicture, box: asked[0]!.box });
    expect(asked[2]).toMatchObject({ flipped: true, prior: null });
  });

  test('by several clicks is asked for with the first alone, then with all of them', () => {
    const second: Click = { x: 36, y: 36, label: 'positive' };
    const answers = [answer(6, 10), answer(2, 14), answer(2, 14)];
    const object = prompted([middle, second]);
    const { asked } = runPasses(promptedPasses(object, thorough), answers);
    expect(asked.map(({ clicks }) => clicks.length)).toEqual([1, 2, 2]);
  });

  test('by clicks keeps the parts at them only', () => {
    const far = answer(6, 10);
    far.logits[0] = 6;
    const { action } = runPasses(promptedPasses(prompted([middle]), model({})), [far]);
    expect(action!.logits[0]).toBeLessThan(0);
    expect(far.logits[0]).toBe(6);
  });
});

describe('an object that is corrected', () => {
  const negative: Click = { ...middle, label: 'negative' };

  test('is decoded from its mask, its memory and the clicks', () => {
    const passes = correctedPasses(corrected([middle]), memory, model({}));
    const { asked } = runPasses(passes, [answer(6, 10)]);
    expect(asked).toMatchObject([{ prior: priorMask().mask, memory }]);
  });

  test('is decoded without memory where that outvotes a click', () => {
    const passes = correctedPasses(corrected([negative]), memory, model({}));
    const { asked, action } = runPasses(passes, [answer(6, 10), answer(2, 5)]);
    expect(asked[1]).toMatchObject({ prior: priorMask().mask, memory: [] });
    expect(action!.logits).toEqual(answer(2, 5).logits);
  });

  test('that has no memory is not decoded again', () => {
    const passes = correctedPasses(corrected([negative]), [], model({}));
    expect(runPasses(passes, [answer(6, 10)]).asked).toHaveLength(1);
  });
});
