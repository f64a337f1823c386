import { expect, test } from 'vitest';
import type { Size } from '../../../src/frame/geometry.ts';
import { composeFlow } from '../../../src/tracking/flow/compose.ts';
import { createFlowField } from '../../../src/tracking/flow/image.ts';
import type { FlowField } from '../../../src/tracking/flow/types.ts';
import { endPointError, uniformFlow } from '../../fixtures/textures.ts';

const size: Size = { width: 64, height: 36 };

function flowOf(displacement: (x: number, y: number) => { x: number; y: number }): FlowField {
  const flow = createFlowField(size);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const { x: u, y: v } = displacement(x, y);
      flow.u[y * size.width + x] = u;
      flow.v[y * size.width + x] = v;
    }
  }
  return flow;
}

function composed(step: FlowField, earlier: FlowField): FlowField {
  const out = createFlowField(size);
  composeFlow(step, earlier, out);
  return out;
}

/** Backward flow of a picture that is stretched about the origin. */
const stretched = (factor: number) =>
  flowOf((x, y) => ({ x: (factor - 1) * x, y: (factor - 1) * y }));

test('shifts add up', () => {
  const path = composed(uniformFlow(size, 1.5, -0.25), uniformFlow(size, -0.5, 2));
  expect(endPointError(path, () => ({ x: 1, y: 1.75 }), 4)).toBeLessThan(1e-5);
});

test('nothing that moved leaves a flow as it is, before and after', () => {
  const flow = stretched(0.9);
  const still = createFlowField(size);
  for (const path of [composed(still, flow), composed(flow, still)]) {
    expect(endPointError(path, (x, y) => ({ x: -0.1 * x, y: -0.1 * y }), 0)).toBeLessThan(1e-5);
  }
});

test('the earlier flow is read where the step leads, between pixels too', () => {
  // x -> 0.8 (x - 2.5): order matters.
  const shift = uniformFlow(size, -2.5, 0);
  const path = composed(shift, stretched(0.8));
  expect(endPointError(path, (x, y) => ({ x: 0.8 * (x - 2.5) - x, y: -0.2 * y }), 4)).toBeLessThan(
    1e-4,
  );
  const reversed = composed(stretched(0.8), shift);
  expect(
    endPointError(reversed, (x, y) => ({ x: 0.8 * x - 2.5 - x, y: -0.2 * y }), 4),
  ).toBeLessThan(1e-4);
});

test('a step out of the picture reads its nearest edge', () => {
  const earlier = flowOf((x) => ({ x: x === 0 ? -7 : 3, y: 0 }));
  const path = composed(uniformFlow(size, -100, 0), earlier);
  expect(endPointError(path, () => ({ x: -107, y: 0 }), 0)).toBeLessThan(1e-4);
});

test('a flow may be composed onto itself', () => {
  const shift = uniformFlow(size, -2, 1);
  const earlier = stretched(0.9);
  const expected = composed(shift, earlier);
  composeFlow(shift, earlier, shift);
  expect(shift.u).toEqual(expected.u);
  const step = uniformFlow(size, -2, 1);
  composeFlow(step, earlier, earlier);
  expect(earlier.v).toEqual(expected.v);
});
