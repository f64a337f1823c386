import { expect, test } from 'vitest';
import { SentUnits } from '../../../../clients/core/resume/sent-units.ts';

/** Units with these capture times; groups begin with those named. */
function sentUnits(times: readonly number[], groups: readonly number[] = [0]): SentUnits {
  const units = new SentUnits();
  for (const [sent, captureUs] of times.entries()) units.add(captureUs, groups.includes(sent));
  return units;
}

test('units of a group are shown in the order of their times, behind the groups before', () => {
  const units = sentUnits([0, 3, 1, 2, 4, 7, 5, 6], [0, 4]);
  const shown = [0, 3, 1, 2, 4, 7, 5, 6].map((us) => units.find(us)?.shown);
  expect(shown).toEqual([0, 3, 1, 2, 4, 7, 5, 6]);
  expect(units.find(5)).toEqual({ sent: 6, shown: 5, isShared: false });
  expect(units.find(8)).toBeNull();
});

test('a clock that is set back counts groups as they are sent', () => {
  const units = sentUnits([100, 101, 10, 11], [0, 2]);
  expect(units.find(101)?.shown).toBe(1);
  expect(units.find(10)?.shown).toBe(2);
});

test('of units with one time the first is found, and said to be one of several', () => {
  const units = sentUnits([0, 1, 1, 2]);
  expect(units.find(1)).toEqual({ sent: 1, shown: 1, isShared: true });
  expect(units.find(2)).toEqual({ sent: 3, shown: 3, isShared: false });
});

test('what was answered long ago is forgotten, and still counted', () => {
  const units = sentUnits(Array.from({ length: 200 }, (_, i) => i));
  const answered = units.find(150)!;
  units.answered(answered);
  expect(units.find(100)).toBeNull();
  expect(units.find(140)?.shown).toBe(140);
  expect(units.find(199)).toEqual({ sent: 199, shown: 199, isShared: false });
  expect(units.count).toBe(200);
});

test('what nobody answers is bounded', () => {
  const units = sentUnits(Array.from({ length: 16_400 }, (_, i) => i));
  expect(units.find(15)).toBeNull();
  expect(units.find(16)?.sent).toBe(16);
  expect(units.find(16_399)?.shown).toBe(16_399);
});
