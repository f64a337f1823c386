import { runLengthsOf } from '../../../src/frame/coco-rle.ts';
import { expect, test } from 'vitest';
import type { Size } from '../../../src/frame/geometry.ts';
import { maskToBitmap, type Mask } from '../../../src/frame/mask.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { measuresOf } from '../../../src/tracking/mask/measures.ts';
import { renderDisjoint } from '../../../src/tracking/mask/overlap.ts';
import { renderMask } from '../../../src/tracking/mask/render.ts';
import { sampleColours } from '../../../src/tracking/object/colour-histogram.ts';
import { renderObjects } from '../../../src/tracking/object/render.ts';
import {
  confidenceOf,
  newTrackedObject,
  type TrackedObject,
} from '../../../src/tracking/object/tracked-object.ts';
import { discMask, randomSoftMask, softDisc } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

const analysis = { width: 24, height: 18 };
const displays = [analysis, { width: 77, height: 50 }, { width: 120, height: 90 }];

/** A frame of one colour, or of another one from a column on. */
function frameOf(display: Size, otherFrom = analysis.width) {
  const pixels = analysis.width * analysis.height;
  const data = new Uint8Array(1.5 * pixels).fill(128);
  for (let at = 0; at < pixels; at++) if (at % analysis.width >= otherFrom) data[at] = 250;
  return { display, timestampUs: 0, samples: () => sampleColours({ analysis, data }) };
}

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
  const [first, second, third] = renderObjects(objects, frameOf(display), options);
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
  const [a, b] = renderObjects([object(1, soft), object(2, soft)], frameOf(display), options);
  expect(a!.area).toBeGreaterThan(2000);
  expect(b!.mask).toEqual(a!.mask);
});

test('a single object is delivered bit for bit as it is alone, and its confidence stands', () => {
  const random = randomNumbers(5);
  const options = { overlap: 'disjoint', maskSize: displays[2]! } as const;
  const frame = frameOf(displays[2]!);
  for (let round = 0; round < 30; round++) {
    const soft = randomSoftMask(random, analysis);
    const [alone] = renderObjects([found(1, soft)], frame, options);
    expect(alone!.mask).toEqual(renderMask(soft, frame.display));
    expect(alone!.confidence).toBe(confidenceOf(found(1, soft), 0));
  }
});

test('confidence falls by half the share of a mask that another one claims too', () => {
  const display = { width: 120, height: 90 };
  const frame = frameOf(display);
  const left = found(1, softDisc({ x: 9, y: 9, radius: 5 }, analysis));
  const right = found(2, softDisc({ x: 12, y: 9, radius: 5 }, analysis));
  const far = found(3, softDisc({ x: 21, y: 3, radius: 2 }, analysis));
  const options = { overlap: 'disjoint', maskSize: display } as const;
  const alone = confidenceOf(left, 0);
  const [a, b, c] = renderObjects([left, right, far], frame, options);
  // Two discs of radius 5 whose centres are 3 apart share 62 % of their area.
  expect(a!.confidence / alone).toBeCloseTo(1 - 0.62 / 2, 1);
  expect(b!.confidence).toBeLessThan(0.75 * alone);
  expect(c!.confidence).toBe(confidenceOf(far, 0));
  const [free] = renderObjects([left, right], frame, { ...options, overlap: 'independent' });
  expect(free!.confidence).toBe(alone);
});

/** A block of 6 x 10 pixels. */
function block(objectId: number, x: number): TrackedObject {
  const window = { x, y: 4, width: 6, height: 10 };
  return found(objectId, { size: analysis, window, values: new Float32Array(60).fill(0.9) });
}

test('confidence falls where like objects touch, and not where they differ or are apart', () => {
  const display = { width: 120, height: 90 };
  const options = { overlap: 'disjoint', maskSize: display } as const;
  const [left, right, apart] = [block(1, 6), block(2, 12), block(2, 16)];
  const alone = confidenceOf(left, 0);
  const confidences = (other: TrackedObject, otherFrom?: number): number[] =>
    renderObjects([left, other], frameOf(display, otherFrom), options).map(
      ({ confidence }) => confidence / alone,
    );
  // 10 of the 28 pixels of the outline have the other beside them, and two more at each corner.
  for (const ratio of confidences(right)) expect(ratio).toBeCloseTo(1 - 0.25 * (14 / 28), 1);
  expect(confidences(right, 12)).toEqual([1, 1]);
  expect(confidences(apart)).toEqual([1, 1]);
});

function found(objectId: number, soft: SoftMask): TrackedObject {
  const keyframe = { frameIndex: 0, timestampUs: 0, predictedIou: 0.95, presence: 0.99 };
  const { area } = measuresOf(soft);
  return { ...object(objectId, soft), area, sourceKeyframe: { ...keyframe, area } };
}
