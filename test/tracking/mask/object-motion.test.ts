import { describe, expect, test } from 'vitest';
import { createDisFlow } from '../../../src/tracking/flow/dis.ts';
import { createFlowField } from '../../../src/tracking/flow/image.ts';
import { followObject } from '../../../src/tracking/mask/object-motion.ts';
import type { FlowImage } from '../../../src/tracking/flow/types.ts';
import { warpSoftMask } from '../../../src/tracking/mask/warp.ts';
import {
  flowBetween,
  flowImage,
  noise,
  picture,
  softIou,
  softMask,
  uniformFlow,
} from '../../fixtures/textures.ts';

const size = { width: 256, height: 144 };
const inside = (x: number, y: number) => Math.hypot((x - 100) / 35, (y - 70) / 25) < 1;

/** Pictures in which every flow explains as much as any other. */
const flat = flowImage(
  size,
  picture(size, () => 100),
);
const still = { previous: flat, current: flat };

describe('object motion', () => {
  test('carries a mask over uncovered background without a smear', () => {
    const [scene, texture] = [noise(21), noise(22)];
    const frames = Array.from({ length: 5 }, (_, index) =>
      picture(size, (x, y) =>
        inside(x - 5 * index, y) ? texture(x - 5 * index, y) : scene(x + 6 * index, y),
      ),
    );
    const engine = createDisFlow();
    let plain = softMask(size, (x, y) => inside(x + 0.5, y + 0.5));
    let followed = plain;
    for (let index = 1; index < frames.length; index++) {
      const flow = flowBetween(engine, size, frames[index - 1]!, frames[index]!);
      const own = createFlowField(size);
      const [previous, current] = [frames[index - 1]!, frames[index]!].map((luma) =>
        flowImage(size, luma),
      ) as [FlowImage, FlowImage];
      followObject({ mask: followed, flow, previous, current }, own);
      followed = warpSoftMask(followed, own);
      plain = warpSoftMask(plain, flow);
    }
    const truth = softMask(size, (x, y) => inside(x + 0.5 - 20, y + 0.5));
    expect(softIou(followed, truth)).toBeGreaterThan(0.8);
    expect(softIou(followed, truth)).toBeGreaterThan(softIou(plain, truth) + 0.2);
  });

  test('leaves a flow alone that is the same everywhere', () => {
    const flow = uniformFlow(size, -4, 2);
    const own = createFlowField(size);
    followObject({ mask: softMask(size, inside), flow, ...still }, own);
    expect(Math.max(...own.u) - Math.min(...own.u)).toBeLessThan(1e-3);
    expect(own.v[70 * 256 + 100]).toBeCloseTo(2);
  });

  test('copies the flow where there is no object', () => {
    const flow = uniformFlow(size, 1, 2);
    const own = createFlowField(size);
    const empty = softMask(size, () => false);
    followObject({ mask: empty, flow, ...still }, own);
    expect(own.u.every((value) => value === 1)).toBe(true);
    expect(own.v.every((value) => value === 2)).toBe(true);
  });

  test('replaces a flow of the background that leads into the object', () => {
    const flow = uniformFlow(size, 9, 0);
    for (let y = 0; y < 144; y++) {
      for (let x = 0; x < 256; x++) if (inside(x - 3, y)) flow.u[y * 256 + x] = -3;
    }
    const own = createFlowField(size);
    followObject({ mask: softMask(size, inside), flow, ...still }, own);
    // Left of the object, where the background's flow would lead into it.
    expect(own.u[70 * 256 + 64]).toBeCloseTo(-3, 0);
    // Far away the flow stays as measured.
    expect(own.u[20 * 256 + 240]).toBeCloseTo(9);
  });
});
