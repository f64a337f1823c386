import { forEachRun } from '../../core/run-lengths.ts';
import type { Size } from '../../../src/frame/geometry.ts';
import type { ViewMode } from '../messages.ts';

/** A mask as it came: COCO's compressed run lengths over the columns. */
export type RunLengths = { readonly size: Size; readonly counts: Uint8Array };

/** One object to paint. */
export type PaintedObject = {
  readonly objectId: number;
  readonly mask: RunLengths | null;
};

/** Colours that stay apart for most colour-blind eyes (Okabe and Ito), brightened for video. */
const colours = [
  [86, 180, 233],
  [255, 165, 30],
  [0, 200, 140],
  [240, 228, 66],
  [230, 120, 190],
  [255, 110, 60],
  [120, 140, 255],
  [190, 190, 190],
] as const;

/** Colour of an object, by its id. */
export function objectColour(objectId: number): readonly [number, number, number] {
  return colours[(objectId - 1) % colours.length]!;
}

/** Opacity of a mask's inside, so that what is followed stays to be seen; its edge is opaque. */
const insideAlpha = 96;

/**
 * Paints masks into pixels of the picture's size; reused from frame to frame, which is what makes it
 * cheap. `labels` is left with the id of each pixel.
 */
export class MaskPainter {
  readonly size: Size;
  readonly pixels: ImageData;
  readonly #colours: Uint32Array;
  readonly #labels: Uint16Array;

  constructor(size: Size) {
    this.size = size;
    this.pixels = new ImageData(size.width, size.height);
    this.#colours = new Uint32Array(this.pixels.data.buffer);
    this.#labels = new Uint16Array(size.width * size.height);
  }

  /** Fills `pixels` with what lies over the picture in a view. */
  paint(objects: readonly PaintedObject[], mode: ViewMode): void {
    this.#labels.fill(0);
    for (const { objectId, mask } of objects) if (mask !== null) this.#label(objectId, mask);
    if (mode === 'cut-out') this.#paintGround();
    else this.#paintObjects(mode === 'mask' ? 255 : insideAlpha, mode === 'mask');
  }

  #label(objectId: number, { size, counts }: RunLengths): void {
    const { width, height } = this.size;
    if (size.width !== width || size.height !== height) return;
    const labels = this.#labels;
    forEachRun(counts, labels.length, (from, to) => {
      let row = from % height;
      let at = row * width + (from - row) / height;
      for (let left = to - from; left > 0; left--) {
        labels[at] = objectId;
        if (++row === height) {
          row = 0;
          at += 1 - (height - 1) * width;
        } else at += width;
      }
    });
  }

  #paintObjects(alpha: number, opaqueGround: boolean): void {
    const { width, height } = this.size;
    const labels = this.#labels;
    const out = this.#colours;
    out.fill(opaqueGround ? 0xff000000 : 0);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const id = labels[at]!;
        if (id === 0) continue;
        const edge =
          (x > 0 && labels[at - 1] !== id) ||
          (x < width - 1 && labels[at + 1] !== id) ||
          (y > 0 && labels[at - width] !== id) ||
          (y < height - 1 && labels[at + width] !== id);
        out[at] = pack(objectColour(id), edge ? 255 : alpha);
      }
    }
  }

  /** Covers what belongs to no object. */
  #paintGround(): void {
    const ground = pack([24, 26, 32], 255);
    const labels = this.#labels;
    const out = this.#colours;
    for (let at = 0; at < out.length; at++) out[at] = labels[at] === 0 ? ground : 0;
  }
}

/** Little-endian RGBA, as every browser's machine stores it. */
function pack([red, green, blue]: readonly number[], alpha: number): number {
  return ((alpha << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}
