import { expect, test } from 'vitest';
import { microsecondsBetween, microsecondsFromTicks } from '../../src/frame/time.ts';

test('ticks become microseconds, rounded, also before zero and beyond 32 bits', () => {
  const ntsc = { numerator: 1, denominator: 90_000 };
  expect(microsecondsFromTicks(3003, ntsc)).toBe(33_367);
  expect(microsecondsFromTicks(-3003, ntsc)).toBe(-33_367);
  expect(microsecondsFromTicks(8_589_934_592, ntsc)).toBe(95_443_717_689);
  expect(microsecondsBetween(1.5, 2.7504)).toBe(1250);
  expect(microsecondsBetween(3, 2)).toBe(0);
});
