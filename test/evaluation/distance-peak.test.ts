import { describe, expect, test } from 'vitest';
import { distancePeak } from '../../src/evaluation/distance-peak.ts';
import { blobs } from '../fixtures/random-shapes.ts';

describe('distance peak', () => {
  test('it is the pixel with the largest distance to the outside, as brute force finds it', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { bits, width, height } = blobs(seed, 44, 31);
      const inside = (x: number, y: number) =>
        x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x] === 1;
      let best = 0;
      let expected = null;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          let nearest = inside(x, y) ? Infinity : 0;
          for (let py = -1; py <= height && nearest > best; py++) {
            for (let px = -1; px <= width; px++) {
              if (!inside(px, py)) nearest = Math.min(nearest, (px - x) ** 2 + (py - y) ** 2);
            }
          }
          if (nearest > best) {
            best = nearest;
            expected = { x, y };
          }
        }
      }
      expect(distancePeak(bits, { width, height })).toEqual(expected);
    }
  });

  test('ties go to the lowest row, then the lowest column; an empty mask has none', () => {
    const bits = new Uint8Array(6 * 4).fill(1);
    expect(distancePeak(bits, { width: 6, height: 4 })).toEqual({ x: 1, y: 1 });
    expect(distancePeak(new Uint8Array(24), { width: 6, height: 4 })).toBeNull();
  });
});
