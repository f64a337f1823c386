import { threadKernel } from '../kernel/kernel.ts';
import { putFlow, putGrey } from '../kernel/structs.ts';
import type { CutEvidence } from './scene-cut.ts';
import type { FlowField, FlowImage } from './types.ts';

/**
 * Compares a picture with the one before, carried along the flow.
 *
 * @param residual takes |current(p) - previous(p + flow(p))| in grey levels 0..255 for every grid
 * pixel, after the mean brightness change of the picture is taken out; sum it up per object with
 * `summariseRegion`. Where the flow leaves the picture the nearest edge pixel is compared.
 * @returns what the comparison says about a cut
 */
export function comparePictures(
  previous: FlowImage,
  current: FlowImage,
  flow: FlowField,
  residual: Float32Array,
): CutEvidence {
  const kernel = threadKernel();
  const difference = kernel.take(residual.length);
  const field = putFlow(kernel, flow);
  const pictures = [
    putGrey(kernel, previous.levels[0]!),
    putGrey(kernel, current.levels[0]!),
  ] as const;
  const brightening = kernel.call.difference(...pictures, field, difference);
  const mismatch = kernel.call.mismatch(pictures[1], difference);
  kernel.call.residual(difference, residual.length, brightening);
  residual.set(kernel.floats(difference, residual.length));
  // For the histogram the half-size level is enough: four times fewer pixels, the same shape.
  const level = Math.min(1, current.levels.length - 1);
  const smaller = [
    putGrey(kernel, previous.levels[level]!),
    putGrey(kernel, current.levels[level]!),
  ] as const;
  return { mismatch, histogramDistance: kernel.call.histogramDistance(...smaller) };
}
