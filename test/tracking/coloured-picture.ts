import type { Box, Size } from '../../src/frame/geometry.ts';
import type { Picture } from '../../src/tracking/mask/refine-window.ts';

/** A colour in yuv420p, limited range. */
export type Yuv = readonly [y: number, u: number, v: number];

export const red: Yuv = [82, 90, 200];
export const green: Yuv = [145, 80, 60];
export const grey: Yuv = [120, 128, 128];

/** A picture of one colour with boxes of others on it, later ones on top; even sides. */
export function colouredPicture(
  analysis: Size,
  ground: Yuv,
  boxes: readonly { readonly box: Box; readonly colour: Yuv }[],
): Picture {
  const { width, height } = analysis;
  const data = new Uint8Array((width * height * 3) / 2);
  const paint = ({ x, y, width: across, height: down }: Box, [luma, u, v]: Yuv): void => {
    for (let row = y; row < y + down; row++) {
      data.fill(luma, row * width + x, row * width + x + across);
    }
    for (let row = y >> 1; row < (y + down) >> 1; row++) {
      const at = width * height + row * (width >> 1) + (x >> 1);
      data.fill(u, at, at + (across >> 1));
      data.fill(v, at + ((width * height) >> 2), at + ((width * height) >> 2) + (across >> 1));
    }
  };
  paint({ x: 0, y: 0, width, height }, ground);
  for (const { box, colour } of boxes) paint(box, colour);
  return { analysis, data };
}
