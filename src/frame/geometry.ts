/** A position in pixels; pixel (i, j) covers [i, i + 1) x [j, j + 1), origin top-left. */
export type Point = { readonly x: number; readonly y: number };

/** Half-open rectangle [x, x + width) x [y, y + height) in pixels. */
export type Box = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** Width and height in pixels. */
export type Size = { readonly width: number; readonly height: number };

/** Same width and height. */
export function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** The whole picture, in fractions of it. */
export const wholePicture: Box = { x: 0, y: 0, width: 1, height: 1 };

/** What the model sees of a picture: a region of interest in fractions of it, flipped left to right or not. */
export type View = { readonly region: Box; readonly flipped: boolean };

/** The whole picture as it is. */
export const wholeView: View = { region: wholePicture, flipped: false };

/** The part of `box` inside a picture of `size`, or null where no area is left. */
export function clipBox(box: Box, size: Size): Box | null {
  const x = Math.max(0, box.x);
  const y = Math.max(0, box.y);
  const width = Math.min(size.width, box.x + box.width) - x;
  const height = Math.min(size.height, box.y + box.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** What two boxes share; null where they share no pixel. */
export function intersectBoxes(a: Box, b: Box): Box | null {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** The smallest box that holds both; null counts as empty. */
export function unionBox(a: Box | null, b: Box | null): Box | null {
  if (a === null) return b;
  if (b === null) return a;
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(a.x + a.width, b.x + b.width) - x,
    height: Math.max(a.y + a.height, b.y + b.height) - y,
  };
}

/** `box` with each axis multiplied by the ratio of the sizes. */
export function scaleBox(box: Box, from: Size, to: Size): Box {
  const sx = to.width / from.width;
  const sy = to.height / from.height;
  return { x: box.x * sx, y: box.y * sy, width: box.width * sx, height: box.height * sy };
}

/** `box` of a picture of `size` in fractions of the picture. */
export function inFractions(box: Box, size: Size): Box {
  return scaleBox(box, size, { width: 1, height: 1 });
}

/**
 * Size with the aspect of `size` whose longer side is at most `longSide`; never larger than `size`,
 * each side at least 1.
 */
export function fitLongSide(size: Size, longSide: number): Size {
  const scale = Math.min(1, longSide / Math.max(size.width, size.height));
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}
