import type { Size } from '../../frame/geometry.ts';
import { fitLongSide } from '../../frame/geometry.ts';
import { threadKernel } from '../kernel/kernel.ts';
import { takePlane } from './spare-planes.ts';
import type { FlowField, FlowImage, FlowLevel } from './types.ts';

/** Default long side of the flow grid, in pixels. */
const defaultFlowLongSide = 256;

/** Pixels by which every level is continued on each side; patches may leave the picture this far. */
const flowPadding = 8;

/** A level is halved again while its shorter side stays at least this long. */
const smallestSide = 9;

/** Grid for pictures of `analysis` size; never larger than the picture. */
export function flowGrid(analysis: Size, longSide = defaultFlowLongSide): Size {
  return fitLongSide(analysis, longSide);
}

/** An empty picture of the grid; fill it with {@link prepareFlowImage}. Reuse it: it is large. */
export function createFlowImage(grid: Size): FlowImage {
  const sizes = [grid];
  for (let size = halved(grid); Math.min(size.width, size.height) >= smallestSide;) {
    sizes.push(size);
    size = halved(size);
  }
  const ends = sizes.map(() => 0);
  let end = 0;
  for (const [level, size] of sizes.entries()) {
    end += (size.width + 2 * flowPadding) * (size.height + 2 * flowPadding);
    ends[level] = end;
  }
  const pixels = new Float32Array(end);
  const levels = sizes.map((size, level) =>
    levelOf(size, pixels.subarray(ends[level - 1] ?? 0, ends[level])),
  );
  return { grid, levels, revision: 0, pixels };
}

/**
 * Fills `out` from the Y plane of a frame by area averaging: every source pixel counts by the part
 * of it that a grid pixel covers. Allocates nothing.
 *
 * @param luma row-major, at least `analysis.width * analysis.height` bytes (a frame's data will do)
 */
export function prepareFlowImage(luma: Uint8Array, analysis: Size, out: FlowImage): void {
  out.revision++;
  const kernel = threadKernel();
  const from = kernel.put(luma.subarray(0, analysis.width * analysis.height));
  const pixels = kernel.take(out.pixels.length);
  const { width, height } = out.grid;
  const pyramid = [out.levels.length, flowPadding] as const;
  kernel.call.flowPicture(from, analysis.width, analysis.height, pixels, width, height, ...pyramid);
  out.pixels.set(kernel.floats(pixels, out.pixels.length));
}

/** A field of zeros. */
export function createFlowField(grid: Size): FlowField {
  const pixels = grid.width * grid.height;
  return {
    width: grid.width,
    height: grid.height,
    u: new Float32Array(pixels),
    v: new Float32Array(pixels),
  };
}

/**
 * A field for somebody who writes all of it: undefined until then. Whoever drops it may give both planes
 * back (`giveBackPlane`).
 */
export function takeFlowField({ width, height }: Size): FlowField {
  const pixels = width * height;
  return { width, height, u: takePlane(pixels), v: takePlane(pixels) };
}

function halved(size: Size): Size {
  return { width: (size.width + 1) >> 1, height: (size.height + 1) >> 1 };
}

function levelOf(size: Size, grey: Float32Array): FlowLevel {
  const stride = size.width + 2 * flowPadding;
  return { ...size, stride, origin: flowPadding * stride + flowPadding, grey };
}
