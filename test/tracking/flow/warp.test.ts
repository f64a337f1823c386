import { describe, expect, test } from 'vitest';
import { composeFlow } from '../../../src/tracking/flow/compose-flow.ts';
import { createFlowField } from '../../../src/tracking/flow/flow-image.ts';
import { warpSoftMask } from '../../../src/tracking/flow/warp.ts';
import { softIou, softMask, uniformFlow, valueAt } from './synthetic.ts';

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
