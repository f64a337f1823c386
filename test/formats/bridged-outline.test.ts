import { expect, test } from 'vitest';
import { bridgedOutline } from '../../src/formats/bridged-outline.ts';
import { emptyMask, maskFromBitmap } from '../../src/frame/mask.ts';

const size = { width: 12, height: 8 };

/** Even-odd at pixel centres, as labelling tools fill. */
function filled(corners: readonly number[]): number[] {
  const count = corners.length / 2;
  return Array.from({ length: size.width * size.height }, (_, at) => {
    const [x, y] = [(at % size.width) + 0.5, Math.floor(at / size.width) + 0.5];
    let inside = 0;
    for (let index = 0; index < count; index++) {
      const [x0 = 0, y0 = 0] = corners.slice(index * 2);
      const [x1 = 0, y1 = 0] = corners.slice(((index + 1) % count) * 2);
      if (y0 > y === y1 > y) continue;
      if (x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside ^= 1;
    }
    return inside;
  });
}

test('parts and holes hang together, and filling gives the mask', () => {
  const bits = new Uint8Array(size.width * size.height);
  const paint = ([x = 0, y = 0, width = 0, height = 0]: number[], value: number) => {
    for (let row = y; row < y + height; row++) {
      bits.fill(value, row * size.width + x, row * size.width + x + width);
    }
  };
  paint([0, 0, 6, 6], 1);
  paint([2, 2, 2, 2], 0);
  paint([8, 1, 3, 2], 1);
  paint([9, 5, 1, 3], 1);
  expect(filled(bridgedOutline(maskFromBitmap(bits, size)))).toEqual([...bits]);
});

test('no pixels have no outline', () => {
  expect(bridgedOutline(emptyMask(size))).toEqual([]);
});
