import type { Size } from '../../frame/geometry.ts';
import { fitLongSide } from '../../frame/geometry.ts';
import { createAreaScaler } from './area-scaler.ts';
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
  const levels = [createLevel(grid)];
  for (let size = halved(grid); Math.min(size.width, size.height) >= smallestSide;) {
    levels.push(createLevel(size));
    size = halved(size);
  }
  return { grid, levels, revision: 0, scaler: createAreaScaler(grid) };
}

/**
 * Fills `out` from the Y plane of a frame by area averaging. Allocates nothing while the analysis
 * size stays the same.
 *
 * @param luma row-major, at least `analysis.width * analysis.height` bytes (a frame's data will do)
 */
export function prepareFlowImage(luma: Uint8Array, analysis: Size, out: FlowImage): void {
  out.revision++;
  const finest = out.levels[0]!;
  out.scaler.scale(luma, analysis, finest);
  for (let index = 0; index < out.levels.length; index++) {
    const level = out.levels[index]!;
    if (index > 0) halve(out.levels[index - 1]!, level);
    padEdges(level);
  }
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

function halved(size: Size): Size {
  return { width: (size.width + 1) >> 1, height: (size.height + 1) >> 1 };
}

function createLevel(size: Size): FlowLevel {
  const stride = size.width + 2 * flowPadding;
  const pixels = stride * (size.height + 2 * flowPadding);
  return {
    width: size.width,
    height: size.height,
    stride,
    origin: flowPadding * stride + flowPadding,
    grey: new Float32Array(pixels),
  };
}

/** Averages 2 x 2 blocks; on odd sides the last row or column reads the padding, its own repeat. */
function halve(from: FlowLevel, to: FlowLevel): void {
  for (let y = 0; y < to.height; y++) {
    let source = from.origin + 2 * y * from.stride;
    const start = to.origin + y * to.stride;
    for (let at = start; at < start + to.width; at++) {
      const below = source + from.stride;
      to.grey[at] =
        0.25 *
        (from.grey[source]! + from.grey[source + 1]! + from.grey[below]! + from.grey[below + 1]!);
      source += 2;
    }
  }
}

/** Repeats the edge pixels into the padding. */
function padEdges(level: FlowLevel): void {
  const { grey, stride, width, height, origin } = level;
  for (let y = 0; y < height; y++) {
    const start = origin + y * stride;
    grey.fill(grey[start]!, start - flowPadding, start);
    grey.fill(grey[start + width - 1]!, start + width, start + width + flowPadding);
  }
  const top = flowPadding * stride;
  const bottom = (flowPadding + height - 1) * stride;
  for (let row = 0; row < flowPadding; row++) {
    grey.copyWithin(row * stride, top, top + stride);
    grey.copyWithin(bottom + (row + 1) * stride, bottom, bottom + stride);
  }
}
