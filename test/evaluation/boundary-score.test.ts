import { describe, expect, test } from 'vitest';
import { boundaryPixels, boundaryScore } from '../../src/evaluation/boundary-score.ts';
import { type ShapeBitmap, blobs } from '../fixtures/random-shapes.ts';

/** `seg2bmap` of davis2017-evaluation, line by line. */
function slowBoundary({ bits, width, height }: ShapeBitmap): Uint8Array {
  const seg = (x: number, y: number) => (x < width && y < height ? (bits[y * width + x] ?? 0) : 0);
  const out = new Uint8Array(bits.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const self = seg(x, y);
      const [east, south, southEast] = [seg(x + 1, y), seg(x, y + 1), seg(x + 1, y + 1)];
      let value = (self ^ east) | (self ^ south) | (self ^ southEast);
      if (y === height - 1) value = self ^ east;
      if (x === width - 1) value = self ^ south;
      if (y === height - 1 && x === width - 1) value = 0;
      out[y * width + x] = value;
    }
  }
  return out;
}

/** Binary dilation by `skimage.morphology.disk(radius)`, pixel by pixel. */
function slowDilate(boundary: Uint8Array, width: number, height: number, radius: number) {
  const out = new Uint8Array(boundary.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let dy = -radius; dy <= radius; dy++) {
        for (let dx = -radius; dx <= radius; dx++) {
          if (dx * dx + dy * dy > radius * radius) continue;
          const [px, py] = [x + dx, y + dy];
          if (px < 0 || py < 0 || px >= width || py >= height) continue;
          if (boundary[py * width + px]) out[y * width + x] = 1;
        }
      }
    }
  }
  return out;
}

const sum = (values: Uint8Array) => values.reduce((total, value) => total + value, 0);

/** `f_measure` of davis2017-evaluation, line by line. */
function slowScore(predicted: ShapeBitmap, truth: ShapeBitmap): number {
  const { width, height } = truth;
  const radius = Math.ceil(0.008 * Math.sqrt(width ** 2 + height ** 2));
  const fg = slowBoundary(predicted);
  const gt = slowBoundary(truth);
  const fgDilated = slowDilate(fg, width, height, radius);
  const gtDilated = slowDilate(gt, width, height, radius);
  const [nFg, nGt] = [sum(fg), sum(gt)];
  let [precision, recall] = [1, 1];
  if (nFg === 0 && nGt > 0) recall = 0;
  else if (nFg > 0 && nGt === 0) precision = 0;
  else if (nFg > 0) {
    precision = sum(fg.map((value, at) => value * (gtDilated[at] ?? 0))) / nFg;
    recall = sum(gt.map((value, at) => value * (fgDilated[at] ?? 0))) / nGt;
  }
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

describe('boundary score', () => {
  test('the boundary is the reference one, also along the edges of the picture', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const picture = blobs(seed, 61, 43);
      const slow = [...slowBoundary(picture).entries()].flatMap(([at, v]) => (v ? [at] : []));
      expect(boundaryPixels(picture.bits, picture)).toEqual(slow);
    }
  });

  test('F equals a literal re-implementation of the reference on random shapes', () => {
    let different = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const [a, b] = [blobs(seed, 180, 121), blobs(seed + 100, 180, 121)];
      const shifted = { ...a, bits: a.bits.map((_, at) => a.bits[at - 2] ?? 0) };
      for (const other of [b, shifted]) {
        const score = boundaryScore(a.bits, other.bits, other);
        expect(score).toBeCloseTo(slowScore(a, other), 12);
        if (score > 0.01 && score < 0.99) different++;
      }
    }
    expect(different).toBeGreaterThan(4);
  });

  test('F is 1 for two empty masks and 0 where one is missing', () => {
    const picture = blobs(3, 50, 40);
    const empty = new Uint8Array(50 * 40);
    expect(boundaryScore(empty, empty, picture)).toBe(1);
    expect(boundaryScore(empty, picture.bits, picture)).toBe(0);
    expect(boundaryScore(picture.bits, empty, picture)).toBe(0);
  });
});
