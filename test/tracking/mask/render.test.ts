import { expect, test } from 'vitest';
import { maskFromBitmap, maskIou, maskToBitmap } from '../../../src/frame/mask.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { renderMask } from '../../../src/tracking/mask/render.ts';
import { resizeMask } from '../../../src/tracking/object/resize-mask.ts';
import { discMask, randomSoftMask, softDisc } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

const analysis = { width: 128, height: 72 };
const display = { width: 1280, height: 720 };

test('a disc at display size has the outline of the true one', () => {
  for (const radius of [12, 20, 33]) {
    const soft = softDisc({ x: 61.3, y: 35.8, radius }, analysis);
    const truth = discMask({ x: 613, y: 358, radius: radius * 10 }, display);
    expect(maskIou(renderMask(soft, display), truth)).toBeGreaterThan(0.99);
  }
});

test('an object that the border cuts is cut by the border, not a pixel before it', () => {
  const corners = [
    [0, 0],
    [128, 0],
    [0, 72],
    [128, 72],
  ] as const;
  for (const [x, y] of corners) {
    const soft = softDisc({ x, y, radius: 30 }, analysis);
    const truth = discMask({ x: x * 10, y: y * 10, radius: 300 }, display);
    const rendered = renderMask(soft, display);
    expect(maskIou(rendered, truth)).toBeGreaterThan(0.99);
    expect(rendered.box).toEqual(truth.box);
  }
  const full = {
    size: analysis,
    window: { x: 0, y: 0, ...analysis },
    values: new Float32Array(128 * 72).fill(1),
  };
  expect(renderMask(full, display).area).toBe(1280 * 720);
});

test('a mask that ends at the rim of its inner window ends there', () => {
  const window = { x: 40, y: 20, width: 10, height: 10 };
  const soft = { size: analysis, window, values: new Float32Array(100).fill(1) };
  const { box } = renderMask(soft, display);
  // Half way between the last full pixel and the first empty one: exactly the window.
  expect(box).toEqual({ x: 400, y: 200, width: 100, height: 100 });
});

test('at its own size nothing changes but the threshold', () => {
  const values = Float32Array.of(0.4, 0.6, 0.6, 0.4);
  const soft = { size: analysis, window: { x: 5, y: 6, width: 2, height: 2 }, values };
  const bits = Uint8Array.of(0, 1, 1, 0);
  const truth = maskFromBitmap(bits, analysis, { x: 5, y: 6, width: 2, height: 2 });
  expect(renderMask(soft, analysis)).toEqual(truth);
});

test('smaller than analysis size works too, and empty stays empty', () => {
  const small = { width: 33, height: 19 };
  const soft = softDisc({ x: 64, y: 36, radius: 25 }, analysis);
  const { area } = renderMask(soft, small);
  const share = (Math.PI * 25 ** 2) / (128 * 72);
  expect(area / (33 * 19)).toBeCloseTo(share, 1);
  expect(renderMask(emptySoftMask(analysis), display)).toMatchObject({
    area: 0,
    box: null,
  });
});

test('area, box and bits of a rendered mask agree', () => {
  const soft = softDisc({ x: 30.2, y: 40.7, radius: 17 }, analysis);
  const mask = renderMask(soft, display);
  expect(mask.bits.reduce((sum, bit) => sum + bit, 0)).toBe(mask.area);
  expect(maskFromBitmap(mask.bits, display, mask.box ?? undefined)).toEqual(mask);
});

test('a mask resized and back covers what it covered', () => {
  const mask = discMask({ x: 64, y: 36, radius: 20 }, analysis);
  const back = resizeMask(resizeMask(mask, display), analysis);
  expect(back).toEqual(mask);
  expect(resizeMask(mask, analysis)).toBe(mask);
  const tiny = resizeMask(mask, { width: 1, height: 1 });
  expect(tiny.size).toEqual({ width: 1, height: 1 });
});

test('a resized mask is set where the pixel under each centre is', () => {
  const random = randomNumbers(17);
  for (let round = 0; round < 40; round++) {
    const mask = renderMask(randomSoftMask(random, { width: 61, height: 37 }), {
      width: 61 + Math.floor(random() * 60),
      height: 37,
    });
    const size = { width: 1 + Math.floor(random() * 150), height: 1 + Math.floor(random() * 90) };
    const from = maskToBitmap(mask);
    const truth = Uint8Array.from({ length: size.width * size.height }, (_, at) => {
      const x = Math.floor((((at % size.width) + 0.5) * mask.size.width) / size.width);
      const y = Math.floor(((Math.floor(at / size.width) + 0.5) * mask.size.height) / size.height);
      return from[y * mask.size.width + x]!;
    });
    expect(resizeMask(mask, size)).toEqual(maskFromBitmap(truth, size));
  }
});
