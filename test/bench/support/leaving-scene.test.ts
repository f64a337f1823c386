import { expect, test } from 'vitest';
import { createLeavingScene, planAbsences } from '../../../bench/support/leaving-scene.ts';

const size = { width: 96, height: 54 };
const times = { staysFrames: 2, crossesFrames: 4, awayFrames: 3, backFrames: 2 };

test('the object is in sight, away for so many frames, and back at its other size', () => {
  for (const absence of planAbsences(8)) {
    const scene = createLeavingScene(size, absence, times);
    const areas = Array.from({ length: scene.frameCount }, (_, i) => {
      return scene.render(i).masks.get(1)!.area;
    });
    const from = times.staysFrames + times.crossesFrames;
    const away = areas.slice(from, from + times.awayFrames);
    expect(away).toEqual(away.map(() => 0));
    const before = areas[0]!;
    const after = areas.at(-1)!;
    expect(before).toBeGreaterThan(0);
    // Growth is of lengths; a large one may reach beyond the borders.
    const ratio = Math.sqrt(after / before);
    expect(ratio).toBeGreaterThan(0.75 * absence.growth);
    expect(ratio).toBeLessThan(1.25 * absence.growth);
    expect(new Set(scene.objectIds)).toEqual(new Set(absence.company ? [1, 2] : [1]));
  }
});

test('the cases take every border and growth, in company and alone', () => {
  const cases = planAbsences(16);
  expect(new Set(cases.map(({ leavesBy }) => leavesBy)).size).toBe(4);
  expect(new Set(cases.map(({ returnsBy }) => returnsBy)).size).toBe(4);
  expect(new Set(cases.map(({ growth }) => growth)).size).toBe(4);
  expect(cases.filter(({ company }) => company)).toHaveLength(8);
  for (const { leavesBy, returnsBy } of cases.slice(0, 4)) expect(returnsBy).not.toBe(leavesBy);
});
