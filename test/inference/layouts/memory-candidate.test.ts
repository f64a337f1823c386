import { expect, test } from 'vitest';
import { floatTensor } from '../../../src/inference/engine/onnxruntime.ts';
import { answerOf } from '../../../src/inference/layouts/memory-candidate.ts';

const click = { x: 0.5, y: 0.5, label: 'positive' } as const;
const box = { x: 0, y: 0, width: 1, height: 1 };

/** Four candidates of 2 x 2 cells; candidate k is k + 1 everywhere, its pointer holds k. */
function outputs({ presence = 3, first = 1 } = {}) {
  const planes = [first, 2, 3, 4].flatMap((value) => [value, value, value, value]);
  return {
    logits: floatTensor(Float32Array.from(planes), [1, 1, 4, 2, 2]),
    highRes: floatTensor(Float32Array.from(planes), [1, 1, 4, 2, 2]),
    iou: floatTensor(Float32Array.of(0.99, 0.2, 0.9, 0.3), [1, 1, 4]),
    presence: floatTensor(Float32Array.of(presence), [1, 1, 1]),
    pointer: floatTensor(Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3), [1, 1, 4, 2]),
  };
}

const masks = { candidates: 4, side: 2 };

test('memory alone, or a lone click, takes the best of the candidates after the first', () => {
  for (const clicks of [[], [click]]) {
    const answer = answerOf(outputs(), { box: null, clicks }, masks);
    expect([...answer.logits]).toEqual([3, 3, 3, 3]);
    expect([...answer.pointer]).toEqual([2, 2]);
    expect(answer.iou).toBeCloseTo(0.9, 6);
  }
});

test('a box, or several clicks, take the first', () => {
  for (const asked of [
    { box, clicks: [] },
    { box: null, clicks: [click, click] },
  ]) {
    const answer = answerOf(outputs(), asked, masks);
    expect([...answer.logits]).toEqual([1, 1, 1, 1]);
    expect([...answer.pointer]).toEqual([0, 0]);
  }
});

test('where the first is unstable its mask gives way, and its pointer stays', () => {
  const unstable = outputs({ first: 0.01 });
  const answer = answerOf(unstable, { box, clicks: [] }, masks);
  expect([...answer.logits]).toEqual([3, 3, 3, 3]);
  expect([...answer.pointer]).toEqual([0, 0]);
});

test('of an object that is not there the mask is empty', () => {
  const answer = answerOf(outputs({ presence: -1 }), { box, clicks: [] }, masks);
  expect(answer.logits.every((logit) => logit === -1024)).toBe(true);
  expect(answer.highRes.every((logit) => logit === -1024)).toBe(true);
});

test('logits of another size than the manifest says are an error', () => {
  expect(() => answerOf(outputs(), { box, clicks: [] }, { ...masks, side: 4 })).toThrow(
    'expected logits of 4 x 4, got 4 values',
  );
});
