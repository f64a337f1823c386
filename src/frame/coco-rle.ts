import { SegmentationError } from './errors.ts';
import type { Size } from './geometry.ts';
import { type Mask, maskFromBitmap } from './mask.ts';

/*
 * COCO's compressed run lengths (pycocotools, maskApi.c: rleToString, rleFrString): runs over the
 * column-major pixels, beginning with background; from the fourth on as the difference to the run
 * two before; 5 bits a character, least significant first, bit 5 = more follow, plus 48.
 */

/** Column-major runs of background and foreground in turn, beginning with background. */
function runsOfMask(mask: Mask): number[] {
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
  }
  if (value === 1) {
    const bottom = (x + width - 1) * pictureHeight + y + height;
    runs.push(bottom - end);
    end = bottom;
  }
  if (end < total) runs.push(total - end);
  return runs;
}

/** The counts of pycocotools' `encode`, ASCII. */
export function encodeCocoRle(mask: Mask): Uint8Array<ArrayBuffer> {
  const runs = runsOfMask(mask);
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

/**
 * Reads compressed counts.
 *
 * @throws SegmentationError `invalid-prompt` where the runs do not fill `size` exactly.
 */
export function decodeCocoRle(counts: Uint8Array, size: Size): Mask {
  const total = size.width * size.height;
  const bitmap = new Uint8Array(total);
  const runs: [number, number] = [0, 0]; // the two before
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
    if (index > 2) run += runs[0];
    if (run < 0 || position + run > total) throw broken(`a run of ${run} at pixel ${position}`);
    if (index % 2 === 1) fillColumns(bitmap, size, { from: position, to: position + run });
    position += run;
    runs[0] = runs[1];
    runs[1] = run;
  }
  if (position !== total) throw broken(`${position} pixels`);
  return maskFromBitmap(bitmap, size);

  function broken(came: string): SegmentationError {
    return new SegmentationError(
      'invalid-prompt',
      `COCO run lengths must fill ${size.width} x ${size.height} pixels, got ${came}`,
    );
  }
}

function fillColumns(
  bitmap: Uint8Array,
  { width, height }: Size,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  let column = Math.floor(from / height);
  let row = from % height;
  for (let left = to - from; left > 0; left--) {
    bitmap[row * width + column] = 1;
    if (++row === height) {
      row = 0;
      column++;
    }
  }
}
