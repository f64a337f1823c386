import { describe, expect, test } from 'vitest';
import { comparePictures } from '../../../src/tracking/flow/photometric.ts';
import { summariseRegion } from '../../../src/tracking/mask/region-summary.ts';
import { flowImage, noise, picture, softMask, uniformFlow } from '../../fixtures/textures.ts';

const size = { width: 64, height: 48 };

describe('photometric residual', () => {
  test('is small along the true flow and large along a wrong one', () => {
    const scene = noise(4);
    const previous = flowImage(size, picture(size, scene));
    // Three pixels to the right, and brighter by 20.
    const current = flowImage(
      size,
      picture(size, (x, y) => scene(x - 3, y) * 0.8 + 40),
    );
    const right = new Float32Array(64 * 48);
    const wrong = new Float32Array(64 * 48);
    comparePictures(previous, current, uniformFlow(size, -3, 0), right);
    comparePictures(previous, current, uniformFlow(size, 3, 0), wrong);
    const middle = softMask(size, (x) => x > 8 && x < 56);
    const [a, b] = summariseRegion([right, wrong], size, middle, 15);
    expect(a!.mean).toBeLessThan(10);
    expect(b!.mean).toBeGreaterThan(2 * a!.mean);
    expect(b!.aboveRatio).toBeGreaterThan(a!.aboveRatio);
  });
});

describe('summing up a region', () => {
  const map = Float32Array.from({ length: 64 * 48 }, (_, at) => (at % 64 < 32 ? 1 : 5));

  test('weighs by the mask, which may be larger than the grid', () => {
    const picture4 = { width: 256, height: 192 };
    const mask = softMask(picture4, (x, y) => x >= 64 && x < 192 && y >= 40 && y < 80);
    expect(summariseRegion([map], size, mask, 2)).toEqual([
      { mean: 3, aboveRatio: 0.5, weight: 320 },
    ]);
  });

  test('says nothing about an empty mask', () => {
    const empty = softMask(size, () => false);
    expect(summariseRegion([map], size, empty, 2)).toEqual([{ mean: 0, aboveRatio: 0, weight: 0 }]);
  });
});
