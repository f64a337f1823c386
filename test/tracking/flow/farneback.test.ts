import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFarnebackFlow } from '../../../src/tracking/flow/farneback.ts';
import { createFlowField } from '../../../src/tracking/flow/image.ts';
import type { FlowEngine } from '../../../src/tracking/flow/types.ts';
import {
  endPointError,
  flowBetween,
  flowImage,
  noise,
  picture,
  uniformFlow,
} from '../../fixtures/textures.ts';

const size = { width: 160, height: 90 };
const scene = noise(3);

const listeners = () => [
  process.listenerCount('uncaughtException'),
  process.listenerCount('unhandledRejection'),
];

describe('Farneback flow', () => {
  let engine: FlowEngine;
  const before = listeners();

  beforeAll(async () => {
    engine = await createFarnebackFlow();
  });
  afterAll(() => engine.close());

  test('leaves the listeners of the process as they were', () => {
    expect(listeners()).toEqual(before);
  });

  test('leads from the current picture back to the previous one', () => {
    const current = picture(size, (x, y) => scene(x - 3, y + 2));
    const flow = flowBetween(engine, size, picture(size, scene), current);
    expect(endPointError(flow, () => ({ x: -3, y: 2 }), 12)).toBeLessThan(0.3);
  });

  test('starts from the initial flow', () => {
    const previous = flowImage(size, picture(size, scene));
    const current = flowImage(
      size,
      picture(size, (x, y) => scene(x - 20, y)),
    );
    const out = createFlowField(size);
    engine.compute(previous, current, out, uniformFlow(size, -20, 0));
    expect(endPointError(out, () => ({ x: -20, y: 0 }), 30)).toBeLessThan(0.3);
  });

  test('can be closed twice', async () => {
    const other = await createFarnebackFlow();
    flowBetween(other, size, picture(size, scene), picture(size, scene));
    other.close();
    expect(() => other.close()).not.toThrow();
  });
});
