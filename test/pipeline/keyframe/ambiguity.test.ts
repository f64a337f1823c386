import { expect, test } from 'vitest';
import { wholePicture } from '../../../src/frame/geometry.ts';
import { passResult, type PassResult } from '../../../src/pipeline/keyframe/pass.ts';
import { promptClarity } from '../../../src/pipeline/keyframe/ambiguity.ts';

const analysis = { width: 64, height: 32 };

/** A square of set cells from `from` to `to` in both directions, as logits of 16 x 16. */
function pass(
  from: number,
  to: number,
  scores: { stability: number; consensus: number },
): PassResult {
  const inside = (cell: number) => cell >= from && cell < to;
  const logits = Float32Array.from({ length: 256 }, (_, i) =>
    inside(i % 16) && inside(Math.floor(i / 16)) ? 8 : -8,
  );
  const result = { logits, predictedIou: 0.8, presence: 0.9, ...scores };
  return passResult({ region: wholePicture, result }, analysis);
}

test('two passes that found the same thing agree', () => {
  const first = pass(4, 12, { stability: 0.7, consensus: 0.6 });
  const second = pass(4, 12, { stability: 0.9, consensus: 0.2 });
  expect(promptClarity([first, second])).toEqual({
    stability: expect.closeTo(0.8, 12) as number,
    consensus: 0.6,
    agreementIou: 1,
  });
});

test('a second pass that found a quarter of the first agrees as much', () => {
  const scores = { stability: 1, consensus: 1 };
  const { agreementIou } = promptClarity([pass(0, 16, scores), pass(0, 8, scores)]);
  expect(agreementIou).toBeCloseTo(0.25, 1);
});

test('one pass alone cannot disagree', () => {
  const clarity = promptClarity([pass(4, 12, { stability: 0.7, consensus: 0.6 }), null]);
  expect(clarity).toMatchObject({ stability: 0.7, agreementIou: 1 });
});

test('of three passes the pair that agrees least counts', () => {
  const scores = { stability: 1, consensus: 1 };
  const passes = [pass(0, 16, scores), pass(0, 16, scores), pass(0, 8, scores)];
  expect(promptClarity(passes).agreementIou).toBeCloseTo(0.25, 1);
});
