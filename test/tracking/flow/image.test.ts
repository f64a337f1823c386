import { describe, expect, test } from 'vitest';
import { createFlowImage, flowGrid, prepareFlowImage } from '../../../src/tracking/flow/image.ts';
import type { FlowLevel } from '../../../src/tracking/flow/types.ts';
import { picture } from '../../fixtures/textures.ts';

const pixel = (level: FlowLevel, x: number, y: number) =>
  level.grey[level.origin + y * level.stride + x]!;

describe('preparing a picture for flow', () => {
  test('the grid keeps the aspect and never grows', () => {
    expect(flowGrid({ width: 512, height: 288 })).toEqual({ width: 256, height: 144 });
    expect(flowGrid({ width: 288, height: 512 }, 384)).toEqual({ width: 216, height: 384 });
    expect(flowGrid({ width: 100, height: 50 })).toEqual({ width: 100, height: 50 });
  });

  test('averages areas, also where sizes do not divide', () => {
    const analysis = { width: 7, height: 5 };
    const luma = Uint8Array.from({ length: 35 }, (_, at) => (at * 37) % 251);
    const image = createFlowImage({ width: 3, height: 2 });
    prepareFlowImage(luma, analysis, image);
    // Each source pixel is cut into 3 x 2 equal parts; a grid pixel is the mean of 7 x 5 of them.
    for (let y = 0; y < 2; y++) {
      for (let x = 0; x < 3; x++) {
        let sum = 0;
        for (let part = 0; part < 35; part++) {
          const column = Math.floor((x * 7 + (part % 7)) / 3);
          const row = Math.floor((y * 5 + Math.floor(part / 7)) / 2);
          sum += luma[row * 7 + column]!;
        }
        expect(pixel(image.levels[0]!, x, y)).toBeCloseTo(sum / 35, 3);
      }
    }
  });

  test('every level is the mean of the finer one and repeats its edges', () => {
    const size = { width: 48, height: 36 };
    const image = createFlowImage(size);
    prepareFlowImage(
      picture(size, (x, y) => 2 * x + y),
      size,
      image,
    );
    expect(image.levels.map(({ width, height }) => [width, height])).toEqual([
      [48, 36],
      [24, 18],
      [12, 9],
    ]);
    const [fine, coarse] = image.levels as [FlowLevel, FlowLevel];
    const mean =
      (pixel(fine, 6, 8) + pixel(fine, 7, 8) + pixel(fine, 6, 9) + pixel(fine, 7, 9)) / 4;
    expect(pixel(coarse, 3, 4)).toBeCloseTo(mean);
    expect(pixel(fine, -8, -8)).toBe(pixel(fine, 0, 0));
    expect(pixel(fine, 55, 43)).toBe(pixel(fine, 47, 35));
    expect(pixel(fine, 20, 40)).toBe(pixel(fine, 20, 35));
  });

  test('a change of the source size is taken over', () => {
    const image = createFlowImage({ width: 16, height: 16 });
    prepareFlowImage(new Uint8Array(32 * 32).fill(10), { width: 32, height: 32 }, image);
    prepareFlowImage(new Uint8Array(50 * 20).fill(77), { width: 50, height: 20 }, image);
    expect(pixel(image.levels[0]!, 15, 15)).toBeCloseTo(77, 3);
    expect(image.revision).toBe(2);
  });
});
