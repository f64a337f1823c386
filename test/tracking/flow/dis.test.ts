import { afterAll, describe, expect, test } from 'vitest';
import { createDisFlow } from '../../../src/tracking/flow/dis.ts';
import {
  createFlowField,
  createFlowImage,
  prepareFlowImage,
} from '../../../src/tracking/flow/image.ts';
import {
  endPointError,
  flowBetween,
  flowImage,
  noise,
  picture,
  uniformFlow,
} from '../../fixtures/textures.ts';

const size = { width: 256, height: 144 };
const scene = noise(1);
const engine = createDisFlow();
afterAll(() => engine.close());

const inside = (x: number, y: number) => Math.hypot((x - 120) / 40, (y - 70) / 30) < 1;
const waves = (x: number, y: number) => 128 + 60 * Math.sin(x * 0.6) * Math.sin(y * 0.6);

describe('dense inverse search', () => {
  test.each([
    [0.4, -0.3, 4, 0.1],
    [3, 2, 8, 0.1],
    [-11, 6, 20, 0.15],
    [24, -9, 40, 0.3],
  ])('finds a shift of (%d, %d) pixels', (dx, dy, margin, limit) => {
    const previous = picture(size, scene);
    const current = picture(size, (x, y) => scene(x - dx, y - dy));
    const flow = flowBetween(engine, size, previous, current);
    expect(endPointError(flow, () => ({ x: -dx, y: -dy }), margin)).toBeLessThan(limit);
  });

  test('follows rotation and zoom about the middle', () => {
    const angle = 0.05;
    const zoom = 1.04;
    const origin = (x: number, y: number) => {
      const dx = (x - 128) / zoom;
      const dy = (y - 72) / zoom;
      return {
        x: 128 + Math.cos(angle) * dx + Math.sin(angle) * dy,
        y: 72 - Math.sin(angle) * dx + Math.cos(angle) * dy,
      };
    };
    const previous = picture(size, scene);
    const current = picture(size, (x, y) => scene(origin(x, y).x, origin(x, y).y));
    const flow = flowBetween(engine, size, previous, current);
    const truth = (x: number, y: number) => {
      const from = origin(x + 0.5, y + 0.5);
      return { x: from.x - x - 0.5, y: from.y - y - 0.5 };
    };
    expect(endPointError(flow, truth, 12)).toBeLessThan(0.2);
  });

  test('separates an object from the background that moves against it', () => {
    const texture = noise(9);
    const previous = picture(size, (x, y) => (inside(x, y) ? texture(x, y) : scene(x, y)));
    const current = picture(size, (x, y) =>
      inside(x - 6, y + 2) ? texture(x - 6, y + 2) : scene(x + 4, y),
    );
    const flow = flowBetween(engine, size, previous, current);
    const at = (x: number, y: number) => [flow.u[y * 256 + x]!, flow.v[y * 256 + x]!] as const;
    expect(at(126, 68)[0]).toBeCloseTo(-6, 0);
    expect(at(126, 68)[1]).toBeCloseTo(2, 0);
    expect(at(30, 20)[0]).toBeCloseTo(4, 0);
    expect(at(200, 120)[1]).toBeCloseTo(0, 0);
  });

  test('is zero between a picture and itself, and where there is no texture', () => {
    const same = flowBetween(engine, size, picture(size, scene), picture(size, scene));
    expect(Math.max(...same.u.map(Math.abs), ...same.v.map(Math.abs))).toBe(0);
    const flat = picture(size, () => 90);
    const dimmed = flowBetween(
      engine,
      size,
      flat,
      picture(size, () => 95),
    );
    expect(Math.max(...dimmed.u.map(Math.abs), ...dimmed.v.map(Math.abs))).toBe(0);
  });

  test('keeps to a small motion on a pattern that repeats', () => {
    const previous = picture(size, waves);
    const current = picture(size, (x, y) => waves(x - 1, y - 0.5));
    const flow = flowBetween(engine, size, previous, current);
    expect(endPointError(flow, () => ({ x: -1, y: -0.5 }), 8)).toBeLessThan(0.3);
  });

  test('is not led astray by a change of exposure', () => {
    const previous = picture(size, noise(1, 60));
    const current = picture(size, (x, y) => noise(1, 60)(x - 3, y) + 12);
    const flow = flowBetween(engine, size, previous, current);
    expect(endPointError(flow, () => ({ x: -3, y: 0 }), 10)).toBeLessThan(0.3);
  });

  test('reaches farther with the flow of the step before', () => {
    const shift = 40;
    const previous = flowImage(size, picture(size, scene));
    const current = flowImage(
      size,
      picture(size, (x, y) => scene(x - shift, y)),
    );
    const cold = createFlowField(size);
    const warm = createFlowField(size);
    engine.compute(previous, current, cold);
    engine.compute(previous, current, warm, uniformFlow(size, -shift, 0));
    const truth = () => ({ x: -shift, y: 0 });
    expect(endPointError(warm, truth, 50)).toBeLessThanOrEqual(endPointError(cold, truth, 50));
    expect(endPointError(warm, truth, 50)).toBeLessThan(0.5);
  });

  test('gives the same bits with recycled pictures as with fresh ones', () => {
    const frames = [0, 2, 5, 9].map((dx) => picture(size, (x, y) => scene(x - dx, y)));
    const recycled = [createFlowImage(size), createFlowImage(size)] as const;
    prepareFlowImage(frames[0]!, size, recycled[0]);
    for (let index = 1; index < frames.length; index++) {
      const [from, to] = [recycled[(index - 1) % 2]!, recycled[index % 2]!];
      prepareFlowImage(frames[index]!, size, to);
      const out = createFlowField(size);
      engine.compute(from, to, out);
      const fresh = createDisFlow();
      const expected = flowBetween(fresh, size, frames[index - 1]!, frames[index]!);
      expect(Buffer.from(out.u.buffer).equals(Buffer.from(expected.u.buffer))).toBe(true);
      expect(Buffer.from(out.v.buffer).equals(Buffer.from(expected.v.buffer))).toBe(true);
      fresh.close();
    }
  });

  test('gives the same bits after a stream of another size as with memory that nobody used', () => {
    const frames = [0, 3].map((dx) => picture(size, (x, y) => scene(x - dx, y))) as [
      Uint8Array,
      Uint8Array,
    ];
    const fresh = createDisFlow();
    const expected = flowBetween(fresh, size, ...frames);
    const larger = { width: 320, height: 240 };
    flowBetween(fresh, larger, picture(larger, noise(3)), picture(larger, noise(4)));
    fresh.close();
    // Its memory is the one that was just given back.
    const next = createDisFlow();
    const flow = flowBetween(next, size, ...frames);
    expect(Buffer.from(flow.u.buffer).equals(Buffer.from(expected.u.buffer))).toBe(true);
    expect(Buffer.from(flow.v.buffer).equals(Buffer.from(expected.v.buffer))).toBe(true);
    next.close();
  });

  test.each([
    [97, 61],
    [16, 300],
    [9, 9],
    [8, 8],
  ])('takes pictures of %d x %d', (width, height) => {
    const odd = { width, height };
    const previous = picture(odd, scene);
    const current = picture(odd, (x, y) => scene(x - 1, y));
    const flow = flowBetween(engine, odd, previous, current);
    expect(endPointError(flow, () => ({ x: -1, y: 0 }), 3)).toBeLessThan(0.5);
  });

  test('gives zeros for pictures too small for a patch', () => {
    const tiny = { width: 20, height: 5 };
    const flow = flowBetween(engine, tiny, picture(tiny, scene), picture(tiny, noise(2)));
    expect(flow.u.every((value) => value === 0)).toBe(true);
  });
});
