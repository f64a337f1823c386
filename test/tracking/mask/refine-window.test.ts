import { expect, test } from 'vitest';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import {
  createCropMemory,
  cutRefineCrop,
  pasteRefined,
  refineWindow,
} from '../../../src/tracking/mask/refine-window.ts';
import { softDisc } from '../../fixtures/discs.ts';

const analysis = { width: 160, height: 96 };
/** No multiple of the four values that the kernel takes at a time. */
const side = 34;

/** A picture whose brightness says where a pixel is: luma = 16 + `slope` of x, or of y. */
function gradient(axis: 'x' | 'y') {
  const data = new Uint8Array((analysis.width * analysis.height * 3) / 2).fill(128);
  for (let y = 0; y < analysis.height; y++) {
    for (let x = 0; x < analysis.width; x++)
      data[y * analysis.width + x] = 16 + (axis === 'x' ? x : y);
  }
  return { analysis, data };
}

test('the window is a square around the mask, 1.6 times its box, at least 48 pixels', () => {
  const large = refineWindow(softDisc({ x: 80, y: 48, radius: 20 }, analysis))!;
  expect(large.side).toBeCloseTo(64, 0);
  expect(large.x + large.side / 2).toBeCloseTo(80, 6);
  expect(large.y + large.side / 2).toBeCloseTo(48, 6);
  expect(refineWindow(softDisc({ x: 80, y: 48, radius: 3 }, analysis))!.side).toBe(48);
  expect(refineWindow(emptySoftMask(analysis))).toBeNull();
});

test('every sample of the crop comes from its exact position, and the border is repeated', () => {
  // Near the corner: the window leaves the picture on two sides.
  const mask = softDisc({ x: 12, y: 80, radius: 10 }, analysis);
  const window = refineWindow(mask)!;
  expect(window.x).toBeLessThan(0);
  expect(window.y + window.side).toBeGreaterThan(analysis.height);
  const step = window.side / side;
  for (const axis of ['x', 'y'] as const) {
    const { crop } = cutRefineCrop(gradient(axis), mask, window, createCropMemory(side));
    const last = (axis === 'x' ? analysis.width : analysis.height) - 1;
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const at = axis === 'x' ? column : row;
        const position = window[axis] + (at + 0.5) * step - 0.5;
        const expected = 1.164 * Math.min(last, Math.max(0, position));
        for (const plane of [0, 1, 2]) {
          const value = crop[plane * side * side + row * side + column]!;
          expect(Math.abs(value - expected)).toBeLessThan(0.01);
        }
      }
    }
  }
});

test('colours are those of the picture: a red square on grey stays red and in place', () => {
  const { data } = gradient('x');
  const luma = analysis.width * analysis.height;
  data.fill(81, 0, luma);
  // U and V planes of BT.601 red over the right half.
  for (let y = 0; y < 48; y++) {
    for (let x = 40; x < 80; x++) {
      data[luma + y * 80 + x] = 90;
      data[luma + 80 * 48 + y * 80 + x] = 240;
    }
  }
  const window = { x: 56, y: 24, side: 48 };
  const mask = softDisc({ x: 80, y: 48, radius: 10 }, analysis);
  const { crop } = cutRefineCrop({ analysis, data }, mask, window, createCropMemory(side));
  const colour = (column: number): number[] =>
    [0, 1, 2].map((plane) => Math.round(crop[plane * side * side + 16 * side + column]!));
  expect(colour(2)).toEqual([76, 76, 76]);
  const [red, green, blue] = colour(30);
  expect(red).toBeGreaterThan(250);
  expect(Math.max(green!, blue!)).toBeLessThan(5);
});

test('a refiner that says what its prior said changes nothing', () => {
  for (const disc of [
    { x: 80, y: 48, radius: 20 },
    { x: 4, y: 92, radius: 18 },
  ]) {
    const mask = softDisc(disc, analysis);
    const cut = cutRefineCrop(gradient('x'), mask, refineWindow(mask)!, createCropMemory(side));
    const same = cut.prior.map((p) => Math.log((p + 1e-6) / (1 - p + 1e-6)));
    const pasted = pasteRefined(mask, cut, same);
    const { window, values } = pasted;
    let worst = 0;
    for (let row = 0; row < window!.height; row++) {
      for (let column = 0; column < window!.width; column++) {
        const at = (window!.y + row) * analysis.width + window!.x + column;
        const before = mask.values[at]!;
        worst = Math.max(worst, Math.abs(values[row * window!.width + column]! - before));
      }
    }
    // Only the bound on logits is left: probabilities stay within 0.25 % of 0 and 1.
    expect(worst).toBeLessThan(0.003);
  }
});

/** The most that two masks differ by in one pixel. */
function apart(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);
}

test('what differs by less than the dead zone changes nothing, what differs by more is shrunk by it', () => {
  const mask = softDisc({ x: 80, y: 48, radius: 20 }, analysis);
  const crop = () =>
    cutRefineCrop(gradient('x'), mask, refineWindow(mask)!, createCropMemory(side));
  const grown = (change: number, deadZone: number) => {
    const cut = crop();
    const logits = cut.prior.map((p) => Math.log((p + 1e-6) / (1 - p + 1e-6)) + change);
    return pasteRefined(mask, cut, logits, deadZone).values;
  };
  expect(apart(grown(2, 3), grown(0, 0))).toBeLessThan(1e-6);
  expect(apart(grown(-2, 3), grown(0, 0))).toBeLessThan(1e-6);
  expect(apart(grown(5, 3), grown(2, 0))).toBeLessThan(1e-6);
  expect(apart(grown(2, 0), grown(0, 0))).toBeGreaterThan(0.1);
});

test('what the refiner says is put where it saw it', () => {
  const mask = softDisc({ x: 60, y: 40, radius: 14 }, analysis);
  const cut = cutRefineCrop(gradient('x'), mask, refineWindow(mask)!, createCropMemory(side));
  const step = cut.window.side / side;
  const moved = { x: 66, y: 43, radius: 14 };
  const logits = cut.prior.map((_, at) => {
    const x = cut.window.x + ((at % side) + 0.5) * step;
    const y = cut.window.y + (Math.floor(at / side) + 0.5) * step;
    return 2 * (moved.radius - Math.hypot(x - moved.x, y - moved.y));
  });
  const pasted = pasteRefined(mask, cut, logits);
  let sumX = 0;
  let sumY = 0;
  let area = 0;
  pasted.values.forEach((value, at) => {
    if (value < 0.5) return;
    sumX += pasted.window!.x + (at % pasted.window!.width) + 0.5;
    sumY += pasted.window!.y + Math.floor(at / pasted.window!.width) + 0.5;
    area++;
  });
  expect(sumX / area).toBeCloseTo(66, 0);
  expect(sumY / area).toBeCloseTo(43, 0);
  expect(area / (Math.PI * 14 ** 2)).toBeCloseTo(1, 1);
});
