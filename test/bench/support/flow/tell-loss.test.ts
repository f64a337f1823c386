import { expect, test } from 'vitest';
import { tellLoss } from '../../../../bench/support/flow/tell-loss.ts';

/** Six masks of each clip; the loss is a tenth of the second kind of evidence. */
const samples = ['a', 'b', 'c'].flatMap((clip, at) =>
  [0, 1, 2, 3, 4, 5].map((index) => {
    const told = (index * 7 + at * 3) % 5;
    const age = (index % 3) + 1;
    return { clip, age, loss: told / 10, evidence: [age, told, 1] };
  }),
);

test('evidence that decides the loss tells it, also of clips that the fit has not seen', () => {
  const { correlation, atEqualAge, otherClips } = tellLoss(samples, [1]);
  for (const value of [correlation, atEqualAge, otherClips]) expect(value).toBeCloseTo(1, 10);
});

test('age tells nothing at equal age', () => {
  const { correlation, atEqualAge } = tellLoss(samples, [0]);
  expect(Math.abs(correlation)).toBeLessThan(1);
  expect(atEqualAge).toBeCloseTo(0, 10);
});

test('evidence beside what decides the loss takes nothing away', () => {
  expect(tellLoss(samples, [0, 1]).otherClips).toBeCloseTo(1, 10);
});
