import { expect, test } from 'vitest';
import { HeldFeatures } from '../../../src/inference/worker/held-features.ts';
import { plainFrame } from '../../fixtures/painted-frames.ts';

test('features that a worker lost are made again from the same view of the picture', () => {
  using frame = plainFrame([126, 128, 128]);
  const view = { region: { x: 0.25, y: 0, width: 0.5, height: 1 }, flipped: true };
  const freed: number[] = [];
  const features = new HeldFeatures(7, frame, view, ({ id }) => freed.push(id));
  features.markHeld(1);
  expect(features.reference(1)).toEqual({ id: 7, rebuild: null });
  expect(features.reference(2).rebuild).toMatchObject(view);
  features.close();
  expect(freed).toEqual([7]);
});
