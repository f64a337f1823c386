import { expect, test } from 'vitest';
import { probabilitiesOf } from '../../../src/pipeline/keyframe/probabilities.ts';

test('logits become probabilities and stay as they were', () => {
  const logits = Float32Array.of(0, Math.log(3), -Math.log(3), 100, -100);
  const values = probabilitiesOf(logits);
  [0.5, 0.75, 0.25, 1, 0].forEach((wanted, i) => expect(values[i]).toBeCloseTo(wanted, 6));
  expect(logits[1]).toBeCloseTo(Math.log(3), 6);
});
