import { expect, test } from 'vitest';
import { maskFromBitmap, maskIou } from '../../../src/frame/mask.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import {
  emptySoftMask,
  modelMaskFromSoft,
  rescaleSoftMask,
  sampleSoftMask,
  softMaskArea,
  softMaskBounds,
  softMaskFromLogits,
  softMaskFromMask,
} from '../../../src/tracking/mask/model-mask.ts';
import { renderMask } from '../../../src/tracking/mask/render.ts';
import { softMaskIou } from '../../../src/tracking/mask/iou.ts';
import { discLogits, discMask, softDisc } from '../../fixtures/discs.ts';

const size = { width: 160, height: 96 };
const side = 48;

function weight(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

test('logits become a mask whose area and outline are those of the disc', () => {
  for (const disc of [
    { x: 80, y: 48, radius: 30 },
    { x: 20, y: 90, radius: 25 },
  ]) {
    const soft = softMaskFromLogits(discLogits(disc, side, size), side, size);
    const truth = discMask(disc, size);
    expect(Math.abs(softMaskArea(soft) - truth.area) / truth.area).toBeLessThan(0.02);
    expect(maskIou(renderMask(soft, size), truth)).toBeGreaterThan(0.97);
  }
});

test('there and back again the low-resolution mask is the same to a few percent', () => {
  const logits = discLogits({ x: 70, y: 50, radius: 28 }, side, size);
  const soft = softMaskFromLogits(logits, side, size);
  const back = modelMaskFromSoft(soft, side);
  const direct = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const error = back.reduce((sum, value, at) => sum + Math.abs(value - (direct[at] ?? 0)), 0);
  expect(error / weight(direct)).toBeLessThan(0.06);
});

test('shrinking keeps the total weight, also at odd sizes and borders', () => {
  for (const odd of [size, { width: 97, height: 61 }, { width: 31, height: 200 }]) {
    const soft = softDisc({ x: 3, y: odd.height / 2, radius: 20 }, odd);
    const cells = modelMaskFromSoft(soft, side);
    const share = weight(soft.values) / (odd.width * odd.height);
    expect(weight(cells) / (side * side)).toBeCloseTo(share, 4);
    expect(Math.max(...cells)).toBeLessThanOrEqual(1.00001);
  }
});

test('logits with nothing in them give a mask with nothing in it', () => {
  const soft = softMaskFromLogits(new Float32Array(side * side).fill(-9), side, size);
  expect(soft).toEqual(emptySoftMask(size));
  expect(softMaskBounds(soft)).toBeNull();
  expect(weight(modelMaskFromSoft(soft, side))).toBe(0);
  // Nothing is over one half, though something is over two percent.
  const faint = softMaskFromLogits(new Float32Array(side * side).fill(-2), side, size);
  expect(softMaskArea(faint)).toBe(0);
  expect(softMaskBounds(faint)).toBeNull();
});

test('a given mask at display size keeps its area when it is averaged down', () => {
  const display = { width: 640, height: 384 };
  const truth = discMask({ x: 300, y: 200, radius: 90 }, display);
  const soft = softMaskFromMask(truth, size);
  expect(weight(soft.values) * 16).toBeCloseTo(truth.area, -2);
  expect(maskIou(renderMask(soft, display), truth)).toBeGreaterThan(0.98);
  const one = maskFromBitmap(Uint8Array.of(1), size, { x: 7, y: 9, width: 1, height: 1 });
  expect(softMaskBounds(softMaskFromMask(one, size))).toEqual({ x: 7, y: 9, width: 1, height: 1 });
});

test('a mask scaled to another size covers the same part of the picture', () => {
  const soft = softDisc({ x: 60, y: 40, radius: 22 }, size);
  const wide = { width: 96, height: 160 };
  const scaled = rescaleSoftMask(soft, wide);
  expect(scaled.size).toEqual(wide);
  expect(softMaskArea(scaled) / softMaskArea(soft)).toBeCloseTo(1, 1);
  const back = rescaleSoftMask(scaled, size);
  expect(softMaskIou(back, soft)).toBeGreaterThan(0.95);
  expect(rescaleSoftMask(emptySoftMask(size), wide)).toEqual(emptySoftMask(wide));
});

test('samples are bilinear between pixel centres and 0 outside the window', () => {
  const mask: SoftMask = {
    size,
    window: { x: 10, y: 10, width: 2, height: 2 },
    values: Float32Array.of(0, 1, 0, 1),
  };
  expect(sampleSoftMask(mask, 10.25, 10.5)).toBeCloseTo(0.25, 6);
  expect(sampleSoftMask(mask, 11.5, 10)).toBeCloseTo(0.5, 6);
  expect(sampleSoftMask(mask, 12, 10)).toBe(0);
  expect(sampleSoftMask(mask, 11, 8.9)).toBe(0);
});

test('IoU of soft masks counts pixels over one half, and two empty ones agree', () => {
  const a = softDisc({ x: 60, y: 40, radius: 20 }, size);
  const b = softDisc({ x: 70, y: 40, radius: 20 }, size);
  const truth = maskIou(
    discMask({ x: 60, y: 40, radius: 20 }, size),
    discMask({ x: 70, y: 40, radius: 20 }, size),
  );
  expect(softMaskIou(a, b)).toBeCloseTo(truth, 2);
  expect(softMaskIou(emptySoftMask(size), emptySoftMask(size))).toBe(1);
  expect(softMaskIou(a, emptySoftMask(size))).toBe(0);
});

const region = { x: 0.25, y: 0.125, width: 0.5, height: 0.75 };

/** The disc's logits on the square that shows only the region. */
function discLogitsIn(disc: { x: number; y: number; radius: number }): Float32Array {
  return Float32Array.from({ length: side * side }, (_, at) => {
    const u = ((at % side) + 0.5) / side;
    const v = (Math.floor(at / side) + 0.5) / side;
    const x = (region.x + u * region.width) * size.width;
    const y = (region.y + v * region.height) * size.height;
    return 2 * (disc.radius - Math.hypot(x - disc.x, y - disc.y));
  });
}

test('logits of a region land at its place in the picture, finer than those of the whole', () => {
  const disc = { x: 86, y: 44, radius: 22 };
  const soft = softMaskFromLogits(discLogitsIn(disc), side, size, region);
  const truth = discMask(disc, size);
  expect(softMaskBounds(soft)).toEqual(truth.box);
  expect(Math.abs(softMaskArea(soft) - truth.area) / truth.area).toBeLessThan(0.01);
  const close = maskIou(renderMask(soft, size), truth);
  const wide = softMaskFromLogits(discLogits(disc, side, size), side, size);
  expect(close).toBeGreaterThanOrEqual(maskIou(renderMask(wide, size), truth));
});

test('a mask that goes on beyond the region is cut at its border', () => {
  const disc = { x: 48, y: 44, radius: 22 };
  const soft = softMaskFromLogits(discLogitsIn(disc), side, size, region);
  const { x, width } = softMaskBounds(soft)!;
  expect([x, x + width]).toEqual([region.x * size.width, disc.x + disc.radius]);
  const back = modelMaskFromSoft(softDisc(disc, size), side, region);
  const cells = (region.width * size.width * region.height * size.height) / (side * side);
  expect(weight(back) * cells).toBeCloseTo(weight(soft.values), -1);
});

test('there and back again a region keeps its mask, also where its sides cut pixels', () => {
  const disc = { x: 82, y: 50, radius: 24 };
  const direct = discLogitsIn(disc).map((logit) => 1 / (1 + Math.exp(-logit)));
  const soft = softMaskFromLogits(discLogitsIn(disc), side, size, region);
  const back = modelMaskFromSoft(soft, side, region);
  const error = back.reduce((sum, value, at) => sum + Math.abs(value - (direct[at] ?? 0)), 0);
  expect(error / weight(direct)).toBeLessThan(0.04);
  const odd = { x: 0.2513, y: 0.1277, width: 0.4421, height: 0.7003 };
  const cells = modelMaskFromSoft(softDisc(disc, size), side, odd);
  const cellPixels = (odd.width * size.width * odd.height * size.height) / (side * side);
  expect(weight(cells) * cellPixels).toBeCloseTo(weight(softDisc(disc, size).values), 0);
  expect(Math.max(...cells)).toBeLessThanOrEqual(1.00001);
});
