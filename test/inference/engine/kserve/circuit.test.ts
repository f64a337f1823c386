import { expect, test } from 'vitest';
import { Circuit } from '../../../../src/inference/engine/kserve/circuit.ts';

test('a server that is gone opens its circuit at once, once', () => {
  const circuit = new Circuit();
  expect(circuit.fail('gone', 'refused')).toBe(true);
  expect(circuit.fail('gone', 'refused again')).toBe(false);
  expect(circuit.openBecause).toBe('refused again');
});

test('slow and odd answers open it from the third in a row', () => {
  const circuit = new Circuit();
  circuit.fail('slow', 'a');
  circuit.fail('odd', 'b');
  circuit.succeed();
  expect([circuit.fail('slow', 'c'), circuit.fail('odd', 'd')]).toEqual([false, false]);
  expect(circuit.openBecause).toBeNull();
  expect(circuit.fail('slow', 'e')).toBe(true);
});

test('probes come less often up to a bound, and as at first once one was passed', () => {
  const circuit = new Circuit();
  const pauses = Array.from({ length: 6 }, () => circuit.nextProbeMs());
  expect(pauses).toEqual([200, 400, 800, 1600, 2000, 2000]);
  circuit.succeed();
  expect(circuit.nextProbeMs()).toBe(200);
});
