import { expect, test } from 'vitest';
import { wholePicture, type Box } from '../../../src/frame/geometry.ts';
import type { Seen } from '../../../src/pipeline/keyframe/pass.ts';
import { mirrorMask, mirrorRequest } from '../../../src/pipeline/keyframe/mirror.ts';
import { meanWithMirrored } from '../../../src/pipeline/keyframe/flip-pass.ts';

const side = 8;

/** A look whose logits follow from the place in the picture. */
function look(region: Box, logitAt: (x: number, y: number) => number, scores = {}): Seen {
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
  expect([...mirrorMask(mask)]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7]);
  expect([...mask]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a question that is mirrored twice is the same again, but for its memory', () => {
  const request = {
    clicks: [{ x: 0.25, y: 0.75, label: 'negative' as const }],
    box: { x: 0.125, y: 0.25, width: 0.5, height: 0.5 },
    prior: Float32Array.of(1, 2, 3, 4),
    memory: [],
  };
  const mirrored = mirrorRequest(request);
  expect(mirrored.clicks).toEqual([{ x: 0.75, y: 0.75, label: 'negative' }]);
  expect(mirrored.box).toEqual({ x: 0.375, y: 0.25, width: 0.5, height: 0.5 });
  expect(mirrorRequest(mirrored)).toEqual(request);
});

test('two looks at different regions are averaged place by place', () => {
  const answer = look(wholePicture, ramp);
  const closer = look({ x: 0.1, y: 0.05, width: 0.8, height: 0.9 }, (x, y) => ramp(x, y) + 6);
  const { logits } = meanWithMirrored(answer, closer).result;
  // (4, 3) lies amid the closer look.
  const at = 3 * side + 4;
  expect(logits[at]).toBeCloseTo(answer.result.logits[at]! + 3, 3);
});

test('where the mirrored look did not reach, the answer stands', () => {
  const answer = look(wholePicture, () => 2);
  const closer = look({ x: 0.5, y: 0, width: 0.5, height: 0.5 }, () => -6);
  const { logits } = meanWithMirrored(answer, closer).result;
  expect([logits[0], logits[side - 1], logits[side * side - 1]]).toEqual([2, -2, 2]);
});

test('of the scores the answer lends the expected IoU, the surer look the presence', () => {
  const answer = look(wholePicture, () => 2);
  const scores = { predictedIou: 0.9, presence: 0.8, stability: 0.8, consensus: 1 };
  const { region, result } = meanWithMirrored(
    answer,
    look(wholePicture, () => 2, scores),
  );
  expect(region).toBe(wholePicture);
  expect(result).toMatchObject({ predictedIou: 0.7, presence: 0.8, consensus: 0.4 });
  expect(result.stability).toBeCloseTo(0.7, 9);
});
