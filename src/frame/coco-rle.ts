import { SegmentationError } from './errors.ts';
import type { Size } from './geometry.ts';
import { emptyMask, type Mask } from './mask.ts';

/*
 * COCO's compressed run lengths (pycocotools, maskApi.c: rleToString, rleFrString): runs over the
 * column-major pixels, beginning with background; from the fourth on as the difference to the run
 * two before; 5 bits a character, least significant first, bit 5 = more follow, plus 48.
 */

/** Column-major runs of background and foreground in turn, beginning with background. */
function runsOfMask(mask: Mask, maxRuns: number): number[] {
  const { width: pictureWidth, height: pictureHeight } = mask.size;
  const total = pictureWidth * pictureHeight;
  if (mask.box === null) return [total];
  const { x, y, width, height } = mask.box;
  const { bits } = mask;
  const runs: number[] = [];
  let end = 0; // of the run before, column-major
  let value = 0;
  for (let column = 0; column < width; column++) {
    const top = (x + column) * pictureHeight + y;
    // Below the box lies background, unless the box reaches the bottom and the next column's top.
    if (value === 1 && height < pictureHeight) {
      const bottom = top - pictureHeight + height;
      runs.push(bottom - end);
      end = bottom;
      value = 0;
    }
    for (let row = 0, at = column; row < height; row++, at += width) {
      if (bits[at] === value) continue;
      runs.push(top + row - end);
      end = top + row;
      value = 1 - value;
    }
    if (runs.length > maxRuns) throw tooMany(maxRuns);
  }
  if (value === 1) {
    const bottom = (x + width - 1) * pictureHeight + y + height;
    runs.push(bottom - end);
    end = bottom;
  }
  if (end < total) runs.push(total - end);
  return runs;
}

/**
 * The counts of pycocotools' `encode`, ASCII.
 *
 * @param maxBytes bound for masks that somebody else made. Default: none
 * @throws SegmentationError `invalid-prompt` above it.
 */
export function encodeCocoRle(mask: Mask, maxBytes = Infinity): Uint8Array<ArrayBuffer> {
  // Each run takes a byte at least, and memory long before it is text.
  const text = encodeCocoRuns(runsOfMask(mask, maxBytes));
  if (text.length > maxBytes) throw tooMany(maxBytes);
  return text;
}

/** The counts of pycocotools' `encode` for runs that are given as numbers, the background's first. */
export function encodeCocoRuns(runs: readonly number[]): Uint8Array<ArrayBuffer> {
  // A run takes at most 7 characters: 5 bits each, and 32 bits with a sign.
  const text = new Uint8Array(runs.length * 7);
  let length = 0;
  for (let index = 0; index < runs.length; index++) {
    let rest = (runs[index] ?? 0) - (index > 2 ? (runs[index - 2] ?? 0) : 0);
    let more = true;
    while (more) {
      const bits = rest & 0x1f;
      rest >>= 5;
      more = bits & 0x10 ? rest !== -1 : rest !== 0;
      text[length++] = (more ? bits | 0x20 : bits) + 48;
    }
  }
  return text.slice(0, length);
}

function tooMany(maxBytes: number): SegmentationError {
  return new SegmentationError(
    'invalid-prompt',
    `mask must have at most ${maxBytes} bytes of run lengths, got more: simplify it`,
  );
}

/**
 * A mask as COCO's compressed run lengths: about a hundredth of its pixels, and so the form in which
 * masks are held, cross threads and wait. Valid by construction: see {@link checkCocoRle}.
 */
export type RunLengthMask = {
  /** The picture that the mask belongs to. */
  readonly size: Size;
  /** Compressed counts, ASCII. */
  readonly counts: Uint8Array;
};

/** A mask in the form in which it is held. */
export function runLengthsOf(mask: Mask): RunLengthMask {
  return { size: mask.size, counts: encodeCocoRle(mask) };
}

/**
 * Reads run lengths without making pixels of them; returns the number of set pixels.
 *
 * @throws SegmentationError `invalid-prompt` where the runs do not fill `size` exactly.
 */
export function checkCocoRle(counts: Uint8Array, size: Size): number {
  let area = 0;
  forEachRun(counts, size, (from, to) => {
    area += to - from;
  });
  return area;
}

/**
 * The pixels of run lengths.
 *
 * @throws SegmentationError `invalid-prompt` where the runs do not fill `size` exactly.
 */
export function decodeCocoRle(counts: Uint8Array, size: Size): Mask {
  const { height } = size;
  let left = size.width;
  let right = -1;
  let top = height;
  let bottom = -1;
  let area = 0;
  forEachRun(counts, size, (from, to) => {
    area += to - from;
    const first = Math.floor(from / height);
    const last = Math.floor((to - 1) / height);
    left = Math.min(left, first);
    right = last;
    // A run over the end of a column covers its last row and the next one's first.
    top = last > first ? 0 : Math.min(top, from - first * height);
    bottom = last > first ? height - 1 : Math.max(bottom, to - 1 - last * height);
  });
  if (area === 0) return emptyMask(size);
  const box = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  // Only what the box covers: a small object in a large picture costs what it covers.
  const columns = new Uint8Array(box.width * box.height);
  forEachRun(counts, size, (from, to) => {
    let column = Math.floor(from / height);
    let row = from - column * height;
    for (let rest = to - from; rest > 0;) {
      const end = Math.min(height, row + rest);
      rest -= end - row;
      const start = (column - left) * box.height - top;
      columns.fill(1, start + row, start + end);
      row = 0;
      column++;
    }
  });
  return { size, box, bits: transposed(columns, box.height, box.width), area };
}

/** Side of the squares that are transposed one by one: both of them fit the fastest cache. */
const tileSide = 64;

/**
 * Rows become columns. Square by square: a whole column of a large picture touches one line of cache
 * for each of its pixels, which took eight times as long.
 */
function transposed(values: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(values.length);
  for (let top = 0; top < height; top += tileSide) {
    const bottom = Math.min(height, top + tileSide);
    for (let left = 0; left < width; left += tileSide) {
      const right = Math.min(width, left + tileSide);
      for (let x = left; x < right; x++) {
        for (let y = top, from = top * width + x; y < bottom; y++, from += width) {
          out[x * height + y] = values[from]!;
        }
      }
    }
  }
  return out;
}

/** Calls `visit` with each run of the foreground that is not empty: pixels `from` to `to`, column-major. */
function forEachRun(
  counts: Uint8Array,
  size: Size,
  visit: (from: number, to: number) => void,
): void {
  const total = size.width * size.height;
  let beforeLast = 0;
  let last = 0;
  let position = 0;
  let at = 0;
  for (let index = 0; at < counts.length; index++) {
    let run = 0;
    let shift = 0;
    let code: number;
    do {
      code = (counts[at++] ?? 0) - 48;
      if (!(code >= 0 && code < 64) || shift > 30) throw broken(`an invalid byte at ${at - 1}`);
      run |= (code & 0x1f) << shift;
      shift += 5;
    } while (code & 0x20);
    if (code & 0x10 && shift < 32) run |= -1 << shift;
    if (index > 2) run += beforeLast;
    if (run < 0 || position + run > total) throw broken(`a run of ${run} at pixel ${position}`);
    if (index % 2 === 1 && run > 0) visit(position, position + run);
    position += run;
    beforeLast = last;
    last = run;
  }
  if (position !== total) throw broken(`${position} pixels`);

  function broken(came: string): SegmentationError {
    return new SegmentationError(
      'invalid-prompt',
      `COCO run lengths must fill ${size.width} x ${size.height} pixels, got ${came}`,
    );
  }
}
