import type { Box, Size } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import type { FlowField } from './types.ts';

/** Probability below which a border row or column of the result is cut away. */
const faintest = 1 / 128;

/**
 * Carries a mask along backward flow: the value at p of the result is the mask's value at
 * p + flow(p), bilinear in both. The flow grid may be smaller than the mask's picture. Outside the
 * mask's window the probability is 0; beyond the picture it is that of the nearest edge pixel, so
 * that an object which the edge cuts stays cut by the edge and not by where the edge was.
 *
 * @param buffer memory for the result's values where it is large enough (the picture's pixels always
 * are); else it is allocated. Must not be the mask's own.
 */
export function warpSoftMask(mask: SoftMask, flow: FlowField, buffer?: Float32Array): SoftMask {
  const window = mask.window === null ? null : destinationWindow(mask.window, mask.size, flow);
  if (window === null) return { size: mask.size, window: null, values: new Float32Array(0) };
  const pixels = window.width * window.height;
  const values =
    buffer !== undefined && buffer.length >= pixels
      ? buffer.subarray(0, pixels)
      : new Float32Array(pixels);
  warpRows(mask, flow, window, values);
  return trimmed(mask.size, window, values);
}

/** Where the mask may arrive: bounds of the grid points whose flow leads into `window`. */
function destinationWindow(window: Box, size: Size, flow: FlowField): Box | null {
  const { width, height, u, v } = flow;
  const scaleX = width / size.width;
  const scaleY = height / size.height;
  // Two grid pixels of margin cover the points between those looked at.
  const margin = 2;
  const atLeft = window.x === 0;
  const atTop = window.y === 0;
  const left = atLeft ? -Infinity : window.x * scaleX - margin;
  const top = atTop ? -Infinity : window.y * scaleY - margin;
  const right =
    window.x + window.width >= size.width ? Infinity : (window.x + window.width) * scaleX + margin;
  const bottom =
    window.y + window.height >= size.height
      ? Infinity
      : (window.y + window.height) * scaleY + margin;
  let minX = width;
  let maxX = -1;
  let minY = height;
  let maxY = -1;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0, at = y * width; x < width; x += 2, at += 2) {
      const fromX = x + u[at]!;
      const fromY = y + v[at]!;
      if (fromX < left || fromX > right || fromY < top || fromY > bottom) continue;
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
    }
  }
  if (maxX < 0) return null;
  const x0 = Math.max(0, Math.floor((minX - margin) / scaleX));
  const y0 = Math.max(0, Math.floor((minY - margin) / scaleY));
  const x1 = Math.min(size.width, Math.ceil((maxX + margin + 1) / scaleX));
  const y1 = Math.min(size.height, Math.ceil((maxY + margin + 1) / scaleY));
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
}

/** Fills `values` over `window`. */
function warpRows(mask: SoftMask, flow: FlowField, window: Box, values: Float32Array): void {
  const { size } = mask;
  const source = mask.window!;
  const scaleX = flow.width / size.width;
  const scaleY = flow.height / size.height;
  const pixelsX = 1 / scaleX;
  const pixelsY = 1 / scaleY;
  const lastColumn = flow.width - 1;
  // Flow of one row of the result in pixels of the mask, at the grid's columns.
  const rowU = new Float32Array(flow.width + 1);
  const rowV = new Float32Array(flow.width + 1);
  const firstColumn = Math.max(0, Math.floor(window.x * scaleX) - 1);
  const endColumn = Math.min(flow.width, Math.ceil((window.x + window.width) * scaleX) + 2);
  const maxX = size.width - 1;
  const maxY = size.height - 1;
  const { x: sourceX, y: sourceY, width: sourceWidth } = source;
  const x0 = window.x;
  const x1 = window.x + window.width;
  const innerX = source.width - 1;
  const innerY = source.height - 1;
  const from = mask.values;
  for (let row = 0, at = 0; row < window.height; row++) {
    const y = window.y + row;
    mixRows(flow, (y + 0.5) * scaleY - 0.5, { from: firstColumn, to: endColumn, rowU, rowV });
    for (let x = x0; x < x1; x++, at++) {
      const middle = (x + 0.5) * scaleX - 0.5;
      const gridX = middle < 0 ? 0 : middle > lastColumn ? lastColumn : middle;
      const column = gridX | 0;
      const part = gridX - column;
      const u = rowU[column]! + part * (rowU[column + 1]! - rowU[column]!);
      const v = rowV[column]! + part * (rowV[column + 1]! - rowV[column]!);
      // Comparisons, not Math.min and Math.max: those cost a third of the loop.
      const toX = x + u * pixelsX;
      const toY = y + v * pixelsY;
      const fromX = (toX < 0 ? 0 : toX > maxX ? maxX : toX) - sourceX;
      const fromY = (toY < 0 ? 0 : toY > maxY ? maxY : toY) - sourceY;
      if (fromX >= 0 && fromY >= 0 && fromX < innerX && fromY < innerY) {
        const left = fromX | 0;
        const top = fromY | 0;
        const i = top * sourceWidth + left;
        const j = i + sourceWidth;
        const fx = fromX - left;
        const above = from[i]! + fx * (from[i + 1]! - from[i]!);
        const below = from[j]! + fx * (from[j + 1]! - from[j]!);
        values[at] = above + (fromY - top) * (below - above);
      } else {
        values[at] = sampleEdge(from, source, fromX, fromY);
      }
    }
  }
}

/** Bilinear value at a point of the window where some neighbours lie outside it and count as 0. */
function sampleEdge(from: Float32Array, window: Box, x: number, y: number): number {
  const { width, height } = window;
  if (x <= -1 || y <= -1 || x >= width || y >= height) return 0;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = x - left;
  const fy = y - top;
  const i = top * width + left;
  const hasLeft = left >= 0;
  const hasRight = left < width - 1;
  let above = 0;
  let below = 0;
  if (top >= 0) above = (hasLeft ? (1 - fx) * from[i]! : 0) + (hasRight ? fx * from[i + 1]! : 0);
  if (top < height - 1) {
    const j = i + width;
    below = (hasLeft ? (1 - fx) * from[j]! : 0) + (hasRight ? fx * from[j + 1]! : 0);
  }
  return above + fy * (below - above);
}

/** Grid columns of one row of flow. */
type Row = {
  readonly from: number;
  readonly to: number;
  readonly rowU: Float32Array;
  readonly rowV: Float32Array;
};

/** Interpolates one row of flow at the vertical grid position; the last column is repeated. */
function mixRows(flow: FlowField, gridY: number, { from, to, rowU, rowV }: Row): void {
  const { width, height, u, v } = flow;
  const y = Math.min(Math.max(gridY, 0), height - 1);
  const top = Math.floor(y);
  const part = y - top;
  const above = top * width;
  const below = Math.min(height - 1, top + 1) * width;
  for (let x = from; x < to; x++) {
    rowU[x] = u[above + x]! + part * (u[below + x]! - u[above + x]!);
    rowV[x] = v[above + x]! + part * (v[below + x]! - v[above + x]!);
  }
  rowU[width] = rowU[width - 1]!;
  rowV[width] = rowV[width - 1]!;
}

/** Cuts away the rows and columns where the mask is too faint, in place. */
function trimmed(size: Size, window: Box, values: Float32Array): SoftMask {
  const { width, height } = window;
  let left = width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    const start = y * width;
    let x = 0;
    while (x < width && values[start + x]! < faintest) x++;
    if (x === width) continue;
    if (top < 0) top = y;
    bottom = y;
    if (x < left) left = x;
    let last = width - 1;
    while (values[start + last]! < faintest) last--;
    if (last > right) right = last;
  }
  if (top < 0) return { size, window: null, values: new Float32Array(0) };
  const tight = {
    x: window.x + left,
    y: window.y + top,
    width: right - left + 1,
    height: bottom - top + 1,
  };
  for (let y = 0; y < tight.height; y++) {
    const start = (top + y) * width + left;
    values.copyWithin(y * tight.width, start, start + tight.width);
  }
  return { size, window: tight, values: values.subarray(0, tight.width * tight.height) };
}
