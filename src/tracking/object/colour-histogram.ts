import type { Box } from '../../frame/geometry.ts';
import type { SoftMask } from '../../frame/soft-mask.ts';
import type { Picture } from '../mask/refine-window.ts';

/** Colours are told apart in so many steps of luma, and of each chroma near grey. */
const lumaBins = 8;
const chromaBins = 16;
const colours = lumaBins * chromaBins * chromaBins;

/** Samples of a colour under which its ratio is held near one half. */
const doubtSamples = 4;

/** Every second chroma sample, each with one luma value: 7,000 of a picture of 448 x 252. */
const stride = 2;

/**
 * Share of the picture that an object's box had when its colours were learnt, from which it was near the
 * camera: it may be back smaller, and is looked for in smaller windows too.
 */
const nearRatio = 0.25;

/** Sides of the windows in which a near object is looked for, over its own. */
const nearScales = [1, 1 / 2, 1 / 4];

/** Ratio from which a colour counts as the object's. */
const minObjectRatio = 0.5;

/** A picture's colours at few places: what a histogram is learnt from and projected onto. */
export type ColourSamples = {
  readonly width: number;
  readonly height: number;
  /** Number of the colour at each place, row-major. */
  readonly colour: Uint16Array;
  readonly luma: Uint8Array;
};

/**
 * What tells an object from its surroundings by colour alone: how often each colour was the object's
 * where it was last seen, and how large the object was. The ratio histogram of "Color Indexing"
 * (Swain and Ballard, IJCV 1991).
 */
export type ColourHistogram = {
  /** Ratio of the object's samples to all samples of each colour, 0..1. */
  readonly objectRatio: Float32Array;
  /** Sides of the object's box in fractions of the picture. */
  readonly side: { readonly width: number; readonly height: number };
  /** Mean ratio in the best window of the picture that it was learnt from. */
  readonly density: number;
  /** Mean ratio under the mask that it was learnt from. */
  readonly ownRatio: number;
};

/** Where the back-projection of an object's histogram is highest. */
export type BackProjection = {
  /** 0: nothing of its colours; 1: as on the picture that the histogram was learnt from; may be more. */
  readonly score: number;
  /** Fractions of the picture. */
  readonly place: Box;
};

/** Reads a picture's colours; about 0.1 ms. */
export function sampleColours({ analysis, data }: Picture): ColourSamples {
  const columns = analysis.width >> 1;
  const rows = analysis.height >> 1;
  const width = Math.ceil(columns / stride);
  const height = Math.ceil(rows / stride);
  const blue = analysis.width * analysis.height;
  const red = blue + columns * rows;
  const colour = new Uint16Array(width * height);
  const luma = new Uint8Array(width * height);
  for (let row = 0, at = 0; row < rows; row += stride) {
    for (let column = 0; column < columns; column += stride, at++) {
      const chroma = row * columns + column;
      const y = data[2 * row * analysis.width + 2 * column] ?? 0;
      const u = chromaBin(data[blue + chroma] ?? 0);
      const v = chromaBin(data[red + chroma] ?? 0);
      luma[at] = y;
      colour[at] = ((y >> 5) * chromaBins + u) * chromaBins + v;
    }
  }
  return { width, height, colour, luma };
}

/** Fine steps near grey, where most colours of a video lie; the rest in the outermost bins. */
function chromaBin(value: number): number {
  const bin = ((value - 128) >> 2) + chromaBins / 2;
  return bin < 0 ? 0 : bin >= chromaBins ? chromaBins - 1 : bin;
}

/**
 * Learns an object's histogram from a frame on which its mask can be trusted; an earlier one counts
 * half, so that one bad mask does not replace it. Null where nothing is there to learn from.
 */
export function learnHistogram(
  samples: ColourSamples,
  mask: SoftMask,
  earlier: ColourHistogram | null,
): ColourHistogram | null {
  if (mask.window === null) return null;
  const inside = new Float32Array(colours);
  const all = new Float32Array(colours);
  const scaleX = mask.size.width / samples.width;
  const scaleY = mask.size.height / samples.height;
  const { x, y, width, height } = mask.window;
  for (let row = 0, at = 0; row < samples.height; row++) {
    const maskRow = Math.floor((row + 0.5) * scaleY) - y;
    for (let column = 0; column < samples.width; column++, at++) {
      const maskColumn = Math.floor((column + 0.5) * scaleX) - x;
      const bin = samples.colour[at] ?? 0;
      const isNear = maskRow >= 0 && maskColumn >= 0 && maskRow < height && maskColumn < width;
      all[bin] = (all[bin] ?? 0) + 1;
      if (isNear && (mask.values[maskRow * width + maskColumn] ?? 0) >= 0.5) {
        inside[bin] = (inside[bin] ?? 0) + 1;
      }
    }
  }
  const objectRatio = inside;
  for (let bin = 0; bin < colours; bin++) {
    const now = ((inside[bin] ?? 0) + doubtSamples / 4) / ((all[bin] ?? 0) + doubtSamples);
    objectRatio[bin] = earlier === null ? now : (now + (earlier.objectRatio[bin] ?? 0)) / 2;
  }
  const side = { width: width / mask.size.width, height: height / mask.size.height };
  const best = bestWindow(ratioTable(samples, objectRatio), side);
  if (best.density === 0) return null;
  const ownRatio = meanRatio(samples, mask, objectRatio);
  return { objectRatio, side, density: best.density, ownRatio };
}

/** Finds the place that resembles an object most, by histogram back-projection; about 0.1 ms. */
export function backProject(samples: ColourSamples, histogram: ColourHistogram): BackProjection {
  const table = ratioTable(samples, histogram.objectRatio);
  const found = searchedSides(histogram).map((side) => bestWindow(table, side));
  const best = found.reduce((a, b) => (b.density > a.density ? b : a));
  return { score: best.density / histogram.density, place: best.place };
}

/** Sides of the windows in which an object is looked for, largest first, in fractions of the picture. */
export function searchedSides({ side }: Pick<ColourHistogram, 'side'>): ColourHistogram['side'][] {
  const scales = side.width * side.height >= nearRatio ? nearScales : [1];
  return scales.map((scale) => ({ width: side.width * scale, height: side.height * scale }));
}

/**
 * How much a mask's pixels have the colours of an object: 1 on the object itself as it was last seen,
 * near 0 where all of them are known to be its surroundings', and in between for colours that were not
 * in the picture when the histogram was learnt.
 */
export function resemblance(
  samples: ColourSamples,
  mask: SoftMask,
  { objectRatio, ownRatio }: ColourHistogram,
): number {
  return ownRatio === 0 ? 0 : meanRatio(samples, mask, objectRatio) / ownRatio;
}

/**
 * Whether the colours around each pixel of a mask's window resemble an object's: at least `least` as much
 * as the object itself as it was last seen; 1 or 0, row-major over the window.
 */
export function likePixels(
  samples: ColourSamples,
  { window, size }: SoftMask,
  { objectRatio, ownRatio }: ColourHistogram,
  least: number,
): Uint8Array {
  if (window === null) return new Uint8Array(0);
  const scaleX = samples.width / size.width;
  const scaleY = samples.height / size.height;
  const ratioAt = (column: number, row: number): number => {
    let sum = 0;
    let count = 0;
    for (let y = Math.max(0, row - 1); y <= Math.min(samples.height - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(samples.width - 1, column + 1); x++) {
        sum += objectRatio[samples.colour[y * samples.width + x] ?? 0] ?? 0;
        count++;
      }
    }
    return sum / count;
  };
  const known = new Map<number, number>();
  const like = new Uint8Array(window.width * window.height);
  for (let at = 0; at < like.length; at++) {
    const x = window.x + (at % window.width);
    const y = window.y + Math.floor(at / window.width);
    const column = Math.min(samples.width - 1, Math.floor((x + 0.5) * scaleX));
    const row = Math.min(samples.height - 1, Math.floor((y + 0.5) * scaleY));
    const sample = row * samples.width + column;
    const ratio = known.get(sample) ?? ratioAt(column, row);
    known.set(sample, ratio);
    like[at] = ratio >= least * ownRatio ? 1 : 0;
  }
  return like;
}

function meanRatio(samples: ColourSamples, mask: SoftMask, objectRatio: Float32Array): number {
  if (mask.window === null) return 0;
  const { x, y, width, height } = mask.window;
  const scaleX = samples.width / mask.size.width;
  const scaleY = samples.height / mask.size.height;
  let sum = 0;
  let weight = 0;
  for (let row = 0; row < height; row++) {
    const line = Math.min(samples.height - 1, Math.floor((y + row + 0.5) * scaleY)) * samples.width;
    for (let column = 0; column < width; column++) {
      const value = mask.values[row * width + column] ?? 0;
      if (value < 0.5) continue;
      const at = line + Math.min(samples.width - 1, Math.floor((x + column + 0.5) * scaleX));
      sum += value * (objectRatio[samples.colour[at] ?? 0] ?? 0);
      weight += value;
    }
  }
  return weight === 0 ? 0 : sum / weight;
}

/** Share of the places whose luma differs clearly between two pictures, 0..1. */
export function changedRatio(a: ColourSamples, b: ColourSamples): number {
  if (a.luma.length !== b.luma.length) return 1;
  let changed = 0;
  for (let at = 0; at < a.luma.length; at++) {
    if (Math.abs((a.luma[at] ?? 0) - (b.luma[at] ?? 0)) > clearLuma) changed++;
  }
  return changed / a.luma.length;
}

/** Grey levels above the noise of cameras and codecs. */
const clearLuma = 12;

/** Sums of the ratios above and left of each place: a summed-area table, of one line and column more. */
type RatioTable = Pick<ColourSamples, 'width' | 'height'> & { readonly sums: Float32Array };

function ratioTable(
  { width, height, colour }: ColourSamples,
  objectRatio: Float32Array,
): RatioTable {
  const line = width + 1;
  const sums = new Float32Array(line * (height + 1));
  for (let row = 0, at = 0; row < height; row++) {
    let sum = 0;
    for (let column = 0; column < width; column++, at++) {
      const value = objectRatio[colour[at] ?? 0] ?? 0;
      if (value >= minObjectRatio) sum += value;
      const below = (row + 1) * line + column + 1;
      sums[below] = (sums[below - line] ?? 0) + sum;
    }
  }
  return { width, height, sums };
}

/** The window of a size with the highest mean ratio. */
function bestWindow(
  { width, height, sums }: RatioTable,
  side: ColourHistogram['side'],
): { density: number; place: Box } {
  const line = width + 1;
  const across = Math.min(width, Math.max(2, Math.round(side.width * width)));
  const down = Math.min(height, Math.max(2, Math.round(side.height * height)));
  let best = -1;
  let x = 0;
  let y = 0;
  for (let row = 0; row + down <= height; row++) {
    const top = row * line;
    const bottom = top + down * line;
    for (let column = 0; column + across <= width; column++) {
      const right = column + across;
      const sum =
        (sums[bottom + right] ?? 0) -
        (sums[bottom + column] ?? 0) -
        (sums[top + right] ?? 0) +
        (sums[top + column] ?? 0);
      if (sum > best) [best, x, y] = [sum, column, row];
    }
  }
  const place = { x: x / width, y: y / height, width: across / width, height: down / height };
  return { density: Math.max(0, best) / (across * down), place };
}
