import { describe, expect, test } from 'vitest';
import { drawnCast } from '../../../../bench/support/kinds/cast.ts';
import { kinds } from '../../../../bench/support/kinds/kinds.ts';
import { growthFrames, slowGrowth } from '../../../../bench/support/kinds/paths.ts';

const size = { width: 96, height: 54 };
const pixels = size.width * size.height;

function clip(kind: string, seed = 1) {
  const made = kinds[kind]!({ size, seed, cast: drawnCast(seed) });
  const areas = (index: number) =>
    new Map([...made.scene.render(index).masks].map(([id, { area }]) => [id, area]));
  return { ...made, areas };
}

describe.each(Object.keys(kinds))('%s', (kind) => {
  test('shows all that is followed on its first frame, and is the same in every run', () => {
    for (const seed of [1, 2]) {
      const { scene, follows, areas } = clip(kind, seed);
      expect(follows.size).toBeGreaterThan(0);
      for (const objectId of follows) expect(areas(0).get(objectId)).toBeGreaterThan(6);
      const again = clip(kind, seed).scene.render(3).picture.data;
      expect(scene.render(3).picture.data).toEqual(again);
    }
  });
});

test('what grows fills the picture, or most of it, and goes back to its first size', () => {
  const { still, grows } = slowGrowth;
  const frames = growthFrames(slowGrowth);
  const all = clip('grows', 1);
  expect(all.scene.frameCount).toBe(frames);
  expect(all.areas(still + grows + 5).get(1)).toBe(pixels);
  const most = clip('grows', 2)
    .areas(still + grows + 5)
    .get(1)!;
  expect(most).toBeGreaterThan(0.6 * pixels);
  expect(most).toBeLessThan(pixels);
  const [first, last] = [all.areas(0).get(1)!, all.areas(frames - 1).get(1)!];
  expect(last / first).toBeCloseTo(1, 1);
});

test('what is cut by the border is never whole, and never gone', () => {
  const { areas, scene } = clip('cut by the border', 1);
  const own = Array.from({ length: scene.frameCount }, (_, index) => areas(index).get(1)!);
  const whole = Math.PI * (0.82 * 0.27 * size.height) ** 2;
  expect(Math.max(...own)).toBeLessThan(0.9 * whole);
  expect(Math.min(...own)).toBeGreaterThan(0.1 * whole);
});

test('look-alikes hide one another when they cross, and part again', () => {
  const { areas, scene, follows } = clip('look-alikes cross');
  const sums = [0, scene.frameCount / 2, scene.frameCount - 1].map((index) =>
    [...areas(index).values()].reduce((sum, area) => sum + area),
  );
  expect(sums[1]).toBeLessThan(0.85 * sums[0]!);
  expect(sums[2]).toBeGreaterThan(0.95 * sums[0]!);
  expect(follows).toEqual(new Set([1, 2, 3]));
  expect(clip('one of look-alikes').follows).toEqual(new Set([1]));
  expect(clip('one of look-alikes').scene.objectIds).toEqual([1, 2, 3]);
});

test('slow film has five frames a second, grey film no colour, fog no black', () => {
  expect(clip('5 frames a second').scene.frameRate).toBe(5);
  const grey = clip('grey').scene.render(0).picture.data;
  expect(grey.every((value, at) => at % 3 === 0 || value === grey[at - 1])).toBe(true);
  expect(Math.min(...clip('fog').scene.render(0).picture.data)).toBeGreaterThan(120);
});

test('small objects are twenty pixels across in a picture 270 high', () => {
  const { scene } = kinds['small']!({
    size: { width: 480, height: 270 },
    seed: 1,
    cast: drawnCast(1),
  });
  for (const { box } of scene.render(0).masks.values()) {
    expect(box!.width).toBeGreaterThan(13);
    expect(box!.width).toBeLessThan(22);
  }
});

test('the crowd is nobody’s, and stands behind the dancer', () => {
  const { scene, follows } = clip('dancer before a crowd');
  expect(scene.objectIds).toEqual([1]);
  expect(follows).toEqual(new Set([1]));
});
