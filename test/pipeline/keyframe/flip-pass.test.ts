import { expect, test } from 'vitest';
import { wholePicture, type Box } from '../../../src/frame/geometry.ts';
import type { Answer } from '../../../src/pipeline/keyframe/pass.ts';
import { flipMask, flipRequest } from '../../../src/pipeline/keyframe/flip.ts';
import { averageWithFlipped } from '../../../src/pipeline/keyframe/flip-pass.ts';

const side = 8;

/** A pass whose logits follow from the place in the picture. */
function pass(region: Box, logitAt: (x: number, y: number) => number, scores = {}): Answer {
  const logits = Float32Array.from({ length: side * side }, (_, i) => {
    const x = region.x + (((i % side) + 0.5) / side) * region.width;
    const y = region.y + ((Math.floor(i / side) + 0.5) / side) * region.height;
    return logitAt(x, y);
  });
  const result = { predictedIou: 0.7, presence: 0.5, stability: 0.6, consensus: 0.4, ...scores };
  return { region, result: { logits, ...result } };
}

function ramp(x: number, y: number): number {
  return 40 * x - 24 * y;
}

test('a mask is flipped left to right, row by row', () => {
  const mask = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  expect([...flipMask(mask)]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
  expect([...mask]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a request that is flipped twice is the same again, but for its memory', () => {
  const request = {
    clicks: [{ x: 0.25, y: 0.75, label: 'negative' as const }],
    box: { x: 0.125, y: 0.25, width: 0.5, height: 0.5 },
    prior: Float32Array.of(1, 2, 3, 4),
    memory: [],
  };
  const flipped = flipRequest(request);
  expect(flipped.clicks).toEqual([{ x: 0.75, y: 0.75, label: 'negative' }]);
  expect(flipped.box).toEqual({ x: 0.375, y: 0.25, width: 0.5, height: 0.5 });
  expect(flipRequest(flipped)).toEqual(request);
});

test('two passes over different regions are averaged place by place', () => {
  const answer = pass(wholePicture, ramp);
  const closer = pass({ x: 0.1, y: 0.05, width: 0.8, height: 0.9 }, (x, y) => ramp(x, y) + 6);
  const { logits } = averageWithFlipped(answer, closer).result;
  // (4, 3) lies amid the zoomed crop.
  const at = 3 * side + 4;
  expect(logits[at]).toBeCloseTo(answer.result.logits[at]! + 3, 3);
});

test('where the flip pass did not reach, the answer stands', () => {
  const answer = pass(wholePicture, () => 2);
  const closer = pass({ x: 0.5, y: 0, width: 0.5, height: 0.5 }, () => -6);
  const { logits } = averageWithFlipped(answer, closer).result;
  expect([logits[0], logits[side - 1], logits[side * side - 1]]).toEqual([2, -2, 2]);
});

test('of the scores the answer lends the expected IoU, the surer pass the presence', () => {
  const answer = pass(wholePicture, () => 2);
  const scores = { predictedIou: 0.9, presence: 0.8, stability: 0.8, consensus: 1 };
  const { region, result } = averageWithFlipped(
    answer,
    pass(wholePicture, () => 2, scores),
  );
  expect(region).toBe(wholePicture);
  expect(result).toMatchObject({ predictedIou: 0.7, presence: 0.8, consensus: 0.4 });
  expect(result.stability).toBeCloseTo(0.7, 9);
});
