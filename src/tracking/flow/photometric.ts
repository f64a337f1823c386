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
  const brightening = warpedDifference(previous, current, flow, out);
  for (let at = 0; at < out.length; at++) out[at] = Math.abs(out[at]! - brightening);
}

/** Fills `out` with current(p) - previous(p + flow(p)), signed; returns the mean. */
export function warpedDifference(
  previous: FlowImage,
  current: FlowImage,
  flow: FlowField,
  out: Float32Array,
): number {
  const now = current.levels[0]!;
  const { grey, stride, origin, width, height } = previous.levels[0]!;
  const maxX = width - 1;
  const maxY = height - 1;
  let sum = 0;
  for (let y = 0, at = 0; y < height; y++) {
    const row = now.origin + y * now.stride;
    for (let x = 0; x < width; x++, at++) {
      const fromX = Math.min(Math.max(x + flow.u[at]!, 0), maxX);
      const fromY = Math.min(Math.max(y + flow.v[at]!, 0), maxY);
      const left = fromX | 0;
      const top = fromY | 0;
      const fx = fromX - left;
      const fy = fromY - top;
      // The padding of the level lets the right and lower neighbour be read at the edge.
      const i = origin + top * stride + left;
      const above = grey[i]! + fx * (grey[i + 1]! - grey[i]!);
      const below = grey[i + stride]! + fx * (grey[i + stride + 1]! - grey[i + stride]!);
      const difference = now.grey[row + x]! - above - fy * (below - above);
      out[at] = difference;
      sum += difference;
    }
  }
  return sum / (width * height);
}
