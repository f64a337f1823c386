import { describe, expect, test } from 'vitest';
import { drawOverlay, overlayColour } from '../../../src/cli/output/draw-overlay.ts';
import { emptyMask, maskFromBitmap } from '../../../src/frame/mask.ts';
import { answeredFrame } from '../../fixtures/answered-frame.ts';

/** The pixels of a picture with one object of this label. */
function drawn(label: string | null): Uint8Array {
  const picture = { size: { width: 160, height: 48 }, data: new Uint8Array(160 * 48 * 3) };
  const [base] = answeredFrame(0, [1]).objects;
  if (base === undefined) throw new Error('expected an object');
  const bits = new Uint8Array(160 * 48).fill(1, 160 * 24, 160 * 30);
  const mask = maskFromBitmap(bits, picture.size);
  const objects = [{ ...base, label, mask, box: mask.box }];
  drawOverlay(picture, { ...answeredFrame(0, []), size: picture.size, objects });
  return picture.data;
}

describe('an overlay', () => {
  test('tints the mask, leaves the rest, and survives objects without a mask', () => {
    const picture = { size: { width: 64, height: 48 }, data: new Uint8Array(64 * 48 * 3) };
    const bits = new Uint8Array(64 * 48);
    for (let y = 20; y < 40; y++) bits.fill(1, y * 64 + 10, y * 64 + 50);
    const mask = maskFromBitmap(bits, picture.size);
    const base = answeredFrame(0, [1]).objects[0];
    if (base === undefined) throw new Error('expected an object');
    const hidden = { ...base, objectId: 2, box: null, area: 0, mask: emptyMask(picture.size) };
    drawOverlay(picture, {
      ...answeredFrame(0, []),
      size: picture.size,
      objects: [{ ...base, mask, box: mask.box }, hidden],
    });
    const at = (x: number, y: number) => [
      ...picture.data.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3),
    ];
    expect(at(10, 25)).toEqual([...overlayColour(1)]);
    expect(at(30, 30)).toEqual(overlayColour(1).map((value) => Math.round(value * 0.45)));
    expect(at(60, 45)).toEqual([0, 0, 0]);
    // The label stands on its background above the box.
    expect(at(10, 12)).toEqual([...overlayColour(1)]);
  });

  test('draws a label as far as its font goes, and without one where it has none of it', () => {
    expect(drawn('Café')).toEqual(drawn('Cafe'));
    expect(drawn('Café')).not.toEqual(drawn(null));
    expect(drawn('犬')).toEqual(drawn(null));
  });

  test('after a change of size lies on the picture as it was stretched', () => {
    const picture = { size: { width: 64, height: 48 }, data: new Uint8Array(64 * 48 * 3) };
    const half = { width: 64, height: 24 };
    const bits = new Uint8Array(64 * 24);
    for (let y = 10; y < 20; y++) bits.fill(1, y * 64 + 10, y * 64 + 50);
    const mask = maskFromBitmap(bits, half);
    const base = answeredFrame(0, [1]).objects[0];
    if (base === undefined) throw new Error('expected an object');
    const objects = [{ ...base, mask, box: mask.box }];
    drawOverlay(picture, { ...answeredFrame(0, []), size: half, objects });
    const red = (x: number, y: number) => picture.data[(y * 64 + x) * 3] ?? 0;
    expect([red(30, 20), red(30, 30), red(30, 39), red(30, 40)]).toEqual([
      255,
      Math.round(255 * 0.45),
      255,
      0,
    ]);
  });
});
