import { expect, test } from 'vitest';
import { mutate } from '../../../../bench/support/fuzz/mutate.ts';
import { randomNumbers } from '../../../../bench/support/random-numbers.ts';

const input = Uint8Array.from({ length: 300 }, (_, at) => at % 256);

test('the same seed makes the same mutant, and the input stays as it was', () => {
  const before = input.slice();
  for (let seed = 0; seed < 50; seed++) {
    expect(mutate(input, randomNumbers(seed))).toEqual(mutate(input, randomNumbers(seed)));
  }
  expect(input).toEqual(before);
});

test('nearly all mutants differ from the input; some are shorter, some longer, most as long', () => {
  const mutants = Array.from({ length: 200 }, (_, seed) => mutate(input, randomNumbers(seed)));
  const differing = mutants.filter((mutant) => !mutant.equals(input));
  expect(differing.length).toBeGreaterThan(190);
  expect(mutants.some(({ length }) => length < input.length)).toBe(true);
  expect(mutants.some(({ length }) => length > input.length)).toBe(true);
  expect(mutants.some(({ length }) => length === input.length)).toBe(true);
});

test('one byte, and none, are mutated without harm', () => {
  for (let seed = 0; seed < 50; seed++) {
    expect(mutate(Uint8Array.of(1), randomNumbers(seed)).length).toBeLessThan(100);
    expect(mutate(new Uint8Array(0), randomNumbers(seed))).toHaveLength(0);
  }
});
