import { runLengthsOf } from '../../../src/frame/coco-rle.ts';
import { expect, test } from 'vitest';
import { maskToBitmap, type Mask } from '../../../src/frame/mask.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { renderDisjoint } from '../../../src/tracking/mask/overlap.ts';
import { renderMask } from '../../../src/tracking/mask/render.ts';
import { renderObjects } from '../../../src/tracking/object/render.ts';
import {
  newTrackedObject,
  type TrackedObject,
} from '../../../src/tracking/object/tracked-object.ts';
import { discMask, randomSoftMask, softDisc } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../fixtures/random-numbers.ts';

const analysis = { width: 24, height: 18 };
const displays = [analysis, { width: 77, height: 50 }, { width: 120, height: 90 }];

function claims(masks: readonly Mask[]): Uint8Array {
  const counts = new Uint8Array(masks[0] ? masks[0].size.width * masks[0].size.height : 0);
  for (const mask of masks) maskToBitmap(mask).forEach((bit, at) => (counts[at]! += bit));
  return counts;
}

test('whatever the masks are, no pixel is given twice at any size', () => {
  const random = randomNumbers(7);
  for (let round = 0; round < 150; round++) {
    const count = 2 + Math.floor(random() * 3);
    const masks = Array.from({ length: count }, () => randomSoftMask(random, analysis));
    for (const display of displays) {
      const rendered = renderDisjoint(masks, display);
      expect(Math.max(...claims(rendered)), `round ${round}`).toBeLessThanOrEqual(1);
    }
  }
});

test('whatever the masks are, nobody gains a pixel by the rule', () => {
  const random = randomNumbers(11);
  for (let round = 0; round < 60; round++) {
    const masks = [randomSoftMask(random, analysis), randomSoftMask(random, analysis)];
    renderDisjoint(masks, analysis).forEach((mask, i) => {
      const alone = maskToBitmap(renderMask(masks[i]!, analysis));
      const shared = maskToBitmap(mask);
      expect(shared.some((bit, at) => bit > alone[at]!)).toBe(false);
    });
  }
});

test('at analysis size every claimed pixel goes to the highest value, ties to the lowest id', () => {
  const random = randomNumbers(3);
  for (let round = 0; round < 60; round++) {
    const masks = Array.from({ length: 3 }, () => randomSoftMask(random, analysis));
    const rendered = renderDisjoint(masks, analysis).map((mask) => maskToBitmap(mask));
    for (let at = 0; at < analysis.width * analysis.height; at++) {
      const values = masks.map((mask) => valueAt(mask, at));
      const highest = Math.max(...values);
      // Within the margin that decides ties neither answer is wrong.
      if (Math.abs(highest - 0.5) < 1e-5) continue;
      const winner = highest > 0.5 ? values.indexOf(highest) : -1;
      expect(rendered.findIndex((bits) => bits[at] === 1)).toBe(winner);
    }
  }
});

function valueAt(mask: SoftMask, at: number): number {
  const window = mask.window!;
  const x = (at % mask.size.width) - window.x;
  const y = Math.floor(at / mask.size.width) - window.y;
  const inside = x >= 0 && y >= 0 && x < window.width && y < window.height;
  return inside ? mask.values[y * window.width + x]! : 0;
}

function object(objectId: number, soft: SoftMask, given: Mask | null = null): TrackedObject {
  return { ...newTrackedObject(objectId, soft), area: 1, given: given && runLengthsOf(given) };
}

test('a given mask is delivered as it came, others yield, and the lowest given id wins', () => {
  const display = { width: 120, height: 90 };
  const given = discMask({ x: 60, y: 45, radius: 20 }, display);
  const other = discMask({ x: 75, y: 45, radius: 20 }, display);
  const soft = softDisc({ x: 12, y: 9, radius: 6 }, analysis);
  const objects = [object(1, soft), object(2, soft, given), object(5, soft, other)];
  const options = { overlap: 'disjoint', maskSize: display } as const;
  const [first, second, third] = renderObjects(objects, { display, timestampUs: 0 }, options);
  expect(second!.mask).toEqual(given);
  expect(Math.max(...claims([first!.mask, second!.mask, third!.mask]))).toBe(1);
  expect(first!.area).toBeGreaterThan(0);
  expect(third!.area).toBeLessThan(other.area);
  expect(third!.box!.x).toBeGreaterThanOrEqual(60);
});

test('INDEPENDENT leaves every mask as it is', () => {
  const display = { width: 120, height: 90 };
  const soft = softDisc({ x: 12, y: 9, radius: 6 }, analysis);
  const options = { overlap: 'independent', maskSize: display } as const;
  const [a, b] = renderObjects(
    [object(1, soft), object(2, soft)],
    { display, timestampUs: 0 },
    options,
  );
  expect(a!.area).toBeGreaterThan(2000);
  expect(b!.mask).toEqual(a!.mask);
});
