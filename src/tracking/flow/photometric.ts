import { threadKernel } from './kernel/kernel.ts';
import { putFlow, putGrey } from './kernel/structs.ts';
import type { FlowField, FlowImage } from './types.ts';

/**
 * |current(p) - previous(p + flow(p))| in grey levels 0..255 for every grid pixel, after the mean
 * brightness change of the picture is taken out. Where the flow leaves the picture the nearest edge
 * pixel is compared.
 *
 * @param out one value per grid pixel; sum it up per object with `summariseRegion`
 */
export function photometricResidual(
  previous: FlowImage,
  current: FlowImage,
  flow: FlowField,
  out: Float32Array,
): void {
  const kernel = threadKernel();
  const difference = kernel.take(out.length);
  const field = putFlow(kernel, flow);
  const pictures = [putGrey(kernel, previous), putGrey(kernel, current)] as const;
  const brightening = kernel.call.difference(...pictures, field, difference);
  kernel.call.residual(difference, out.length, brightening);
  out.set(kernel.floats(difference, out.length));
}
