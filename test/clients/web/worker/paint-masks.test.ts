import { expect, test } from 'vitest';
import { MaskPainter, objectColour } from '../../../../clients/web/worker/paint-masks.ts';
import type { ViewMode } from '../../../../clients/web/summaries.ts';
import { encodeCocoRle } from '../../../../src/frame/coco-rle.ts';
import { maskFromBitmap } from '../../../../src/frame/mask.ts';
import type { Box, Size } from '../../../../src/frame/geometry.ts';

const size: Size = { width: 37, height: 23 };

test('what is painted frame after frame is what painting it alone gives', () => {
  const painter = new MaskPainter(size);
  const modes: ViewMode[] = ['overlay', 'overlay', 'mask', 'cut-out', 'cut-out', 'mask', 'overlay'];
  let before = new Uint8ClampedArray(painter.pixels);
  for (const [step, mode] of modes.entries()) {
    const boxes = boxesOf(step);
    const objects = boxes.map((box, index) => ({ objectId: index + 1, mask: runsOf(box) }));
    const changed = painter.paint(objects, mode);
    const now = new Uint8ClampedArray(painter.pixels);
    expect(now).toEqual(expectedPixels(boxes, mode));
    // A canvas that takes over the changed part alone has the same picture.
    expect(takeOver(before, now, changed)).toEqual(now);
    before = now;
  }
});

test('the size is that of the beginning, whatever becomes of the picture that stated it', () => {
  const picture = { ...size };
  const painter = new MaskPainter(picture);
  picture.width = 0; // As an ImageBitmap's is once it is closed.
  const box = { x: 3, y: 2, width: 5, height: 6 };
  painter.paint([{ objectId: 1, mask: runsOf(box) }], 'overlay');
  expect(painter.pixels).toEqual(expectedPixels([box], 'overlay'));
});

test('frames without objects leave the ground, and change nothing twice', () => {
  const painter = new MaskPainter(size);
  painter.paint([{ objectId: 1, mask: runsOf({ x: 3, y: 2, width: 5, height: 6 }) }], 'overlay');
  expect(painter.paint([], 'overlay')).toEqual({ x: 3, y: 2, width: 5, height: 6 });
  expect(painter.pixels.every((value) => value === 0)).toBe(true);
  expect(painter.paint([], 'overlay')).toEqual({ x: 0, y: 0, width: 0, height: 0 });
});

/** Moving boxes that overlap and touch all borders; none in the fifth frame. */
function boxesOf(step: number): Box[] {
  if (step === 4) return [];
  return [
    { x: step * 3, y: 0, width: 9, height: size.height },
    { x: 20 - step, y: 4 + step, width: 17 + step, height: 7 },
  ].map((box) => ({ ...box, width: Math.min(box.width, size.width - box.x) }));
}

function runsOf(box: Box) {
  const bitmap = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) if (holds(box, x, y)) bitmap[y * size.width + x] = 1;
  }
  return { size, counts: encodeCocoRle(maskFromBitmap(bitmap, size)) };
}

function holds(box: Box, x: number, y: number): boolean {
  return x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
}

/** Pixel by pixel, from what the views say. */
function expectedPixels(boxes: readonly Box[], mode: ViewMode): Uint8ClampedArray {
  const idAt = (x: number, y: number) => boxes.findLastIndex((box) => holds(box, x, y)) + 1;
  const out = new Uint8ClampedArray(size.width * size.height * 4);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const id = idAt(x, y);
      const around = [
        [x - 1, y],
        [x + 1, y],
        [x, y - 1],
        [x, y + 1],
      ] as const;
      const isEdge = around.some(
        ([u, v]) => u >= 0 && v >= 0 && u < size.width && v < size.height && idAt(u, v) !== id,
      );
      out.set(colourOf(id, isEdge, mode), (y * size.width + x) * 4);
    }
  }
  return out;
}

function colourOf(id: number, isEdge: boolean, mode: ViewMode): number[] {
  if (mode === 'cut-out') return id === 0 ? [24, 26, 32, 255] : [0, 0, 0, 0];
  if (id === 0) return mode === 'mask' ? [0, 0, 0, 255] : [0, 0, 0, 0];
  return [...objectColour(id), isEdge || mode === 'mask' ? 255 : 96];
}

function takeOver(into: Uint8ClampedArray, from: Uint8ClampedArray, box: Box): Uint8ClampedArray {
  const out = new Uint8ClampedArray(into);
  for (let y = box.y; y < box.y + box.height; y++) {
    const [start, end] = [y * size.width + box.x, y * size.width + box.x + box.width];
    out.set(from.subarray(start * 4, end * 4), start * 4);
  }
  return out;
}
