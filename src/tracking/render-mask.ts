import type { Box, Size } from '../frame/geometry.ts';
import { emptyMask, type Mask } from '../frame/mask.ts';
import type { SoftMask } from '../frame/soft-mask.ts';

/**
 * A mask's margin: probability minus what it has to beat, so that its zero crossing is the outline.
 * Row-major over `window` of a picture of `size`.
 */
export type Margin = { readonly size: Size; readonly window: Box; readonly values: Float32Array };

/** Margin of what lies outside a window. */
const outside = -0.5;

/** The margin of a mask that competes with nobody: probability minus one half. */
export function marginOf(mask: SoftMask): Margin | null {
  if (mask.window === null) return null;
  const values = new Float32Array(mask.values.length);
  for (let i = 0; i < values.length; i++) values[i] = (mask.values[i] ?? 0) - 0.5;
  return { size: mask.size, window: mask.window, values };
}

/**
 * Thresholds a margin at 0 after bilinear interpolation to `target` size. Interpolating first and
 * thresholding last keeps the outline smooth at display size. Along a row the crossings are solved
 * for instead of testing every pixel: the cost follows the analysis size, not the display size.
 */
export function renderMask(margin: Margin | null, target: Size): Mask {
  if (margin === null) return emptyMask(target);
  const { window, size } = margin;
  const scaleY = target.height / size.height;
  const first = Math.max(0, Math.floor((window.y - 0.5) * scaleY));
  const end = Math.min(target.height, Math.ceil((window.y + window.height + 0.5) * scaleY));
  const line = new Float32Array(window.width + 2);
  const spans = new Spans(target);
  for (let y = first; y < end; y++) {
    blendRows(margin, (y + 0.5) / scaleY - 0.5 - window.y, line);
    addSpans(line, y, { margin, scaleX: target.width / size.width }, spans);
  }
  return spans.toMask();
}

/** Vertical interpolation into `line`, which has one cell more than the window at either end. */
function blendRows(margin: Margin, v: number, line: Float32Array): void {
  const { width, height, x, y } = margin.window;
  const v0 = Math.floor(v);
  const t = v - v0;
  // At the picture's own border the object goes on beyond it; at an inner rim it ends.
  const rim = { top: y === 0, bottom: y + height === margin.size.height };
  const upperRow = rimRow(v0, height, rim);
  const lowerRow = rimRow(v0 + 1, height, rim);
  for (let column = 0; column < width; column++) {
    const upper = upperRow < 0 ? outside : (margin.values[upperRow * width + column] ?? 0);
    const lower = lowerRow < 0 ? outside : (margin.values[lowerRow * width + column] ?? 0);
    line[column + 1] = upper + (lower - upper) * t;
  }
  line[0] = x === 0 ? (line[1] ?? outside) : outside;
  line[width + 1] = x + width === margin.size.width ? (line[width] ?? outside) : outside;
}

/** The row to read, or -1 for outside. */
function rimRow(row: number, height: number, rim: { top: boolean; bottom: boolean }): number {
  if (row < 0) return rim.top ? 0 : -1;
  if (row >= height) return rim.bottom ? height - 1 : -1;
  return row;
}

/** Adds the runs of target pixels whose centres lie where the line is above 0. */
function addSpans(
  line: Float32Array,
  y: number,
  place: { readonly margin: Margin; readonly scaleX: number },
  spans: Spans,
): void {
  const { window } = place.margin;
  // Cell i of the line has its centre at this target coordinate; pixel x has its own at x + 1/2.
  const toTarget = (cell: number): number => (window.x + cell - 0.5) * place.scaleX - 0.5;
  let before = line[0] ?? outside;
  let from = before > 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  for (let cell = 1; cell < line.length; cell++) {
    const value = line[cell] ?? outside;
    if (before > 0 !== value > 0) {
      const crossing = toTarget(cell - 1 + before / (before - value));
      if (value > 0) {
        from = crossing;
      } else {
        spans.add(y, from, crossing);
        from = Number.NaN;
      }
    }
    before = value;
  }
  if (!Number.isNaN(from)) spans.add(y, from, Number.POSITIVE_INFINITY);
}

/** Runs of set pixels, collected from the top; turned into a mask cut to its tight bounds. */
class Spans {
  readonly #size: Size;
  readonly #runs: number[] = [];
  #left: number;
  #right = 0;

  constructor(size: Size) {
    this.#size = size;
    this.#left = size.width;
  }

  /** Pixels of row `y` with from < x < to. */
  add(y: number, from: number, to: number): void {
    const x0 = Math.max(0, Math.floor(from) + 1);
    const x1 = Math.min(this.#size.width, Math.ceil(to));
    if (x1 <= x0) return;
    this.#runs.push(y, x0, x1);
    if (x0 < this.#left) this.#left = x0;
    if (x1 > this.#right) this.#right = x1;
  }

  toMask(): Mask {
    const runs = this.#runs;
    const y = runs[0];
    const last = runs.at(-3);
    if (y === undefined || last === undefined) return emptyMask(this.#size);
    const box = { x: this.#left, y, width: this.#right - this.#left, height: last - y + 1 };
    const bits = new Uint8Array(box.width * box.height);
    let area = 0;
    for (let i = 0; i < runs.length; i += 3) {
      const start = ((runs[i] ?? 0) - y) * box.width - box.x;
      const x0 = runs[i + 1] ?? 0;
      const x1 = runs[i + 2] ?? 0;
      bits.fill(1, start + x0, start + x1);
      area += x1 - x0;
    }
    return { size: this.#size, box, bits, area };
  }
}
