import { FramePool, type Frame } from '../../src/frame/frame.ts';

/** Colour of a pixel as Y, U, V bytes. */
export type Yuv = readonly [number, number, number];

/** A frame painted pixel by pixel; chroma comes from the top-left pixel of each 2 x 2 block. */
export function paintFrame(
  size: { readonly width: number; readonly height: number },
  paint: (x: number, y: number) => Yuv,
  index = 0,
): Frame {
  const { width, height } = size;
  const frame = new FramePool(0).create({
    index,
    timestampUs: index * 40_000,
    timestampSynthetic: false,
    analysis: size,
    display: size,
    decodedAtMs: 0,
  });
  const luma = width * height;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [light, blue, red] = paint(x, y);
      frame.data[y * width + x] = light;
      if (x % 2 === 0 && y % 2 === 0) {
        const at = luma + (y / 2) * (width / 2) + x / 2;
        frame.data[at] = blue;
        frame.data[at + luma / 4] = red;
      }
    }
  }
  return frame;
}

/** One colour all over. */
export function plainFrame(yuv: Yuv, size = { width: 8, height: 8 }, index = 0): Frame {
  return paintFrame(size, () => yuv, index);
}
