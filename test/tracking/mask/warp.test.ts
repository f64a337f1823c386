import { describe, expect, test } from 'vitest';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { composeFlow } from '../../../src/tracking/flow/compose.ts';
import { createFlowField } from '../../../src/tracking/flow/image.ts';
import type { FlowField } from '../../../src/tracking/flow/types.ts';
import { warpSoftMask } from '../../../src/tracking/mask/warp.ts';
import { randomSoftMask } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';
import { softIou, softMask, uniformFlow, valueAt } from '../../fixtures/textures.ts';

const size = { width: 120, height: 80 };
const grid = { width: 60, height: 40 };
const square = softMask(size, (x, y) => x >= 40 && x < 60 && y >= 30 && y < 50);

describe('warping a soft mask', () => {
  test('moves it by whole pixels without loss and keeps the window tight', () => {
    // Two grid pixels are four pixels of the picture.
    const moved = warpSoftMask(square, uniformFlow(grid, -2, 1));
    expect(moved.window).toEqual({ x: 44, y: 28, width: 20, height: 20 });
    expect(moved.values.every((value) => value === 1)).toBe(true);
  });

  test('moves it by parts of a pixel with soft edges', () => {
    const moved = warpSoftMask(square, uniformFlow(grid, -0.25, 0));
    expect(valueAt(moved, 40, 40)).toBeCloseTo(0.5);
    expect(valueAt(moved, 41, 40)).toBe(1);
    expect(valueAt(moved, 60, 40)).toBeCloseTo(0.5);
    expect(valueAt(moved, 61, 40)).toBe(0);
  });

  test('follows a flow that differs from place to place', () => {
    const zoom = createFlowField(grid);
    for (let y = 0; y < 40; y++) {
      for (let x = 0; x < 60; x++) {
        // The square grows to twice its size about its middle (50, 40), which is (25, 20) on the grid.
        zoom.u[y * 60 + x] = (x + 0.5 - 25) * -0.5;
        zoom.v[y * 60 + x] = (y + 0.5 - 20) * -0.5;
      }
    }
    const expected = softMask(size, (x, y) => x >= 30 && x < 70 && y >= 20 && y < 60);
    expect(softIou(warpSoftMask(square, zoom), expected)).toBeGreaterThan(0.97);
  });

  test('leaves nothing of an object that leaves the picture', () => {
    let mask = square;
    for (let step = 0; step < 5; step++) mask = warpSoftMask(mask, uniformFlow(grid, -10, 0));
    expect(mask).toMatchObject({ size, window: null });
    expect(mask.values).toHaveLength(0);
  });

  test('keeps an object that the edge cuts at the edge while it comes in', () => {
    const cut = softMask(size, (x, y) => x < 10 && y >= 30 && y < 50);
    const moved = warpSoftMask(cut, uniformFlow(grid, -3, 0));
    expect(
      softIou(
        moved,
        softMask(size, (x, y) => x < 16 && y >= 30 && y < 50),
      ),
    ).toBe(1);
  });

  test('is at every pixel what the mask is where the flow leads, whatever the sizes', () => {
    const random = randomNumbers(5);
    // Sides that no vector width divides, and grids that divide nothing.
    const sizes = [
      [
        { width: 61, height: 43 },
        { width: 33, height: 22 },
      ],
      [
        { width: 50, height: 38 },
        { width: 50, height: 38 },
      ],
    ] as const;
    for (let round = 0; round < 20; round++) {
      const [pictureSize, gridSize] = sizes[round % 2]!;
      const mask = randomSoftMask(random, pictureSize);
      const flow = createFlowField(gridSize);
      for (const axis of [flow.u, flow.v]) axis.forEach((_, at) => (axis[at] = random() * 6 - 3));
      const warped = warpSoftMask(mask, flow);
      for (let y = 0; y < pictureSize.height; y++) {
        for (let x = 0; x < pictureSize.width; x++) {
          const truth = warpedValue(mask, flow, x, y);
          // What is fainter may have been cut away with its row or column.
          if (truth < 1 / 128 && valueAt(warped, x, y) === 0) continue;
          expect(valueAt(warped, x, y), `round ${round}, (${x}, ${y})`).toBeCloseTo(truth, 3);
        }
      }
    }
  });

  test('gives an empty mask for an empty mask', () => {
    const empty = { size, window: null, values: new Float32Array(0) };
    expect(warpSoftMask(empty, uniformFlow(grid, 1, 1)).window).toBeNull();
  });

  test('does not change the mask that it reads', () => {
    const copy = square.values.slice();
    warpSoftMask(square, uniformFlow(grid, 3, 3));
    expect(square.values).toEqual(copy);
  });
});

/** The definition: bilinear in the flow, then bilinear in the mask. */
function warpedValue(mask: SoftMask, flow: FlowField, x: number, y: number): number {
  const { width, height } = mask.size;
  const gridX = ((x + 0.5) * flow.width) / width - 0.5;
  const gridY = ((y + 0.5) * flow.height) / height - 0.5;
  const flowAt = (axis: Float32Array) =>
    bilinear(clamp(gridX, flow.width - 1), clamp(gridY, flow.height - 1), (column, row) => {
      const inside = Math.min(row, flow.height - 1) * flow.width;
      return axis[inside + Math.min(column, flow.width - 1)]!;
    });
  const fromX = clamp(x + (flowAt(flow.u) * width) / flow.width, width - 1);
  const fromY = clamp(y + (flowAt(flow.v) * height) / flow.height, height - 1);
  return bilinear(fromX, fromY, (column, row) => valueAt(mask, column, row));
}

function bilinear(x: number, y: number, read: (column: number, row: number) => number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const above = read(left, top) + (x - left) * (read(left + 1, top) - read(left, top));
  const below = read(left, top + 1) + (x - left) * (read(left + 1, top + 1) - read(left, top + 1));
  return above + (y - top) * (below - above);
}

function clamp(value: number, high: number): number {
  return Math.min(Math.max(value, 0), high);
}

describe('composing flows', () => {
  test('adds uniform motions', () => {
    const out = createFlowField(grid);
    composeFlow(uniformFlow(grid, 2, -1), uniformFlow(grid, 0.5, 3), out);
    expect(out.u.every((value) => value === 2.5)).toBe(true);
    expect(out.v.every((value) => value === 2)).toBe(true);
  });

  test('reads the earlier flow where the step leads, also in place', () => {
    const ramp = createFlowField(grid);
    for (let at = 0; at < ramp.u.length; at++) ramp.u[at] = (at % 60) * 0.1;
    const step = uniformFlow(grid, 2.5, 0);
    composeFlow(step, ramp, step);
    expect(step.u[10]).toBeCloseTo(2.5 + 1.25);
    expect(step.u[59]).toBeCloseTo(2.5 + 5.9);
  });

  test('warps like the two steps one after the other', () => {
    const first = uniformFlow(grid, -2, 1);
    const second = uniformFlow(grid, 3, -4);
    const both = createFlowField(grid);
    composeFlow(second, first, both);
    const direct = warpSoftMask(square, both);
    expect(softIou(direct, warpSoftMask(warpSoftMask(square, first), second))).toBe(1);
  });
});
