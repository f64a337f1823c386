import type { Size } from '../../src/frame/geometry.ts';
import { maskFromBitmap, type Mask } from '../../src/frame/mask.ts';
import type { SoftMask } from '../../src/frame/soft-mask.ts';
import { sigmoid } from '../../src/tracking/mask/model-mask.ts';

/** A disc in pixels of its picture. */
export type Disc = { readonly x: number; readonly y: number; readonly radius: number };

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The true mask of a disc: pixels whose centre lies inside. */
export function discMask(disc: Disc, size: Size): Mask {
  const bitmap = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const inside = Math.hypot(x + 0.5 - disc.x, y + 0.5 - disc.y) < disc.radius;
      bitmap[y * size.width + x] = inside ? 1 : 0;
    }
  }
  return maskFromBitmap(bitmap, size);
}

/** A disc with an edge about two pixels wide, over the whole picture. */
export function softDisc(disc: Disc, size: Size): SoftMask {
  const values = new Float32Array(size.width * size.height);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const inside = disc.radius - Math.hypot(x + 0.5 - disc.x, y + 0.5 - disc.y);
      values[y * size.width + x] = sigmoid(2 * inside);
    }
  }
  return { size, window: { x: 0, y: 0, ...size }, values };
}

/** Logits of a disc on the decoder's square, as if the model had drawn it. */
export function discLogits(disc: Disc, side: number, size: Size): Float32Array {
  return Float32Array.from({ length: side * side }, (_, at) => {
    const x = (((at % side) + 0.5) * size.width) / side;
    const y = ((Math.floor(at / side) + 0.5) * size.height) / side;
    return 2 * (disc.radius - Math.hypot(x - disc.x, y - disc.y));
  });
}

/** A random soft mask in a random window: blobs, rims, holes and ties. */
export function randomSoftMask(random: () => number, size: Size): SoftMask {
  const x = Math.floor(random() * (size.width - 4));
  const y = Math.floor(random() * (size.height - 4));
  const width = 2 + Math.floor(random() * (size.width - x - 2));
  const height = 2 + Math.floor(random() * (size.height - y - 2));
  const coarse = random() < 0.5;
  const values = Float32Array.from({ length: width * height }, () =>
    // Few different values make ties likely.
    coarse ? Math.round(random() * 4) / 4 : random(),
  );
  return { size, window: { x, y, width, height }, values };
}
