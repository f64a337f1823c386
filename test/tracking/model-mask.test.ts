import { expect, test } from 'vitest';
import { maskFromBitmap, maskIou } from '../../src/frame/mask.ts';
import type { SoftMask } from '../../src/frame/soft-mask.ts';
import {
  emptySoftMask,
  modelMaskFromSoft,
  rescaleSoftMask,
  sampleSoftMask,
  softMaskArea,
  softMaskBounds,
  softMaskFromLogits,
  softMaskFromMask,
} from '../../src/tracking/model-mask.ts';
import { marginOf, renderMask } from '../../src/tracking/render-mask.ts';
import { softMaskIou } from '../../src/tracking/soft-mask-iou.ts';
import { discLogits, discMask, softDisc } from './shapes.ts';

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
    expect(maskIou(renderMask(marginOf(soft), size), truth)).toBeGreaterThan(0.97);
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
  expect(maskIou(renderMask(marginOf(soft), display), truth)).toBeGreaterThan(0.98);
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
