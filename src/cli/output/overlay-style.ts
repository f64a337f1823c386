import { usageError } from '../../frame/errors.ts';
import type { Size } from '../../frame/geometry.ts';
import { type Mask, paintMask } from '../../frame/mask.ts';

/** What `--overlay` knows. `labels` has tint, outline, box, id and confidence. */
export const overlayStyles = [
  'labels',
  'outline',
  'tint',
  'green-on-red',
  'cut-out',
  'blur',
  'pixelate',
] as const;

/** How objects are shown; `blur` and `pixelate` make them unrecognisable. */
export type OverlayStyle = (typeof overlayStyles)[number];

type Colour = readonly [red: number, green: number, blue: number];
type Picture = { readonly size: Size; readonly data: Uint8Array };
type ColouredMask = { readonly mask: Mask; readonly colour: Colour };
/** Which object owns each pixel: its number from 1 on; 0 is the ground. */
type Owners = Uint8Array;

const tintRatio = 0.5;
const green: Colour = [0, 200, 0];
const red: Colour = [200, 0, 0];
const black: Colour = [0, 0, 0];
/** Blocks and blurs are this share of the picture's height: a face of a third of it has few left. */
const redactionRatio = 1 / 24;

/** Reads `--overlay`. Throws `usage`. */
export function overlayStyle(name: string | undefined): OverlayStyle {
  const found = overlayStyles.find((style) => style === (name ?? 'labels'));
  if (found !== undefined) return found;
  throw usageError(`--overlay: expected one of ${overlayStyles.join(', ')}, got "${name}"`);
}

/** Paints the objects onto a picture in every style but `labels`. */
export function paintStyle(
  picture: Picture,
  objects: readonly ColouredMask[],
  style: Exclude<OverlayStyle, 'labels'>,
): void {
  const { width, height } = picture.size;
  const owners = new Uint8Array(width * height);
  objects.forEach(({ mask }, index) => paintMask(mask, owners, index + 1));
  const colourOf = (owner: number): Colour => objects[owner - 1]?.colour ?? black;
  switch (style) {
    case 'outline':
      return paint(picture, (at) =>
        isRim(owners, at, picture.size) ? [colourOf(owners[at]!), 1] : null,
      );
    case 'tint':
      return paint(picture, (at) => (owners[at] ? [colourOf(owners[at]), tintRatio] : null));
    case 'green-on-red':
      return paint(picture, (at) => [owners[at] ? green : red, tintRatio]);
    case 'cut-out':
      return paint(picture, (at) => (owners[at] ? null : [black, 1]));
    case 'blur':
      return redact(picture, owners, blurred(picture, redactionPixels(picture.size)));
    case 'pixelate':
      return redact(picture, owners, pixelated(picture, redactionPixels(picture.size)));
  }
}

function redactionPixels({ height }: Size): number {
  return Math.max(4, Math.round(height * redactionRatio));
}

/** Blends a colour into each pixel for which there is one. */
function paint({ data }: Picture, colourAt: (at: number) => readonly [Colour, number] | null) {
  for (let at = 0; at * 3 < data.length; at++) {
    const chosen = colourAt(at);
    if (chosen === null) continue;
    const [colour, ratio] = chosen;
    for (let channel = 0; channel < 3; channel++) {
      const from = data[at * 3 + channel] ?? 0;
      data[at * 3 + channel] = Math.round(from + (colour[channel]! - from) * ratio);
    }
  }
}

/** Whether a pixel of an object has another's, or the ground, within the width of the line. */
function isRim(owners: Owners, at: number, { width, height }: Size): boolean {
  const owner = owners[at];
  if (!owner) return false;
  const thickness = Math.max(1, Math.round(height / 240));
  const [x, y] = [at % width, Math.floor(at / width)];
  return (
    x < thickness ||
    y < thickness ||
    x >= width - thickness ||
    y >= height - thickness ||
    owners[at - thickness] !== owner ||
    owners[at + thickness] !== owner ||
    owners[at - thickness * width] !== owner ||
    owners[at + thickness * width] !== owner
  );
}

/** Puts the other picture in place of the objects, and of a margin around them: masks are not exact. */
function redact({ data, size }: Picture, owners: Owners, other: Uint8Array): void {
  const margin = Math.max(2, Math.round(size.height / 120));
  const near = boxSums(
    owners.map((owner) => (owner === 0 ? 0 : 1)),
    size,
    { margin, channels: 1 },
  );
  for (let at = 0; at < owners.length; at++) {
    if (near[at] === 0) continue;
    data.set(other.subarray(at * 3, at * 3 + 3), at * 3);
  }
}

function pixelated({ data, size }: Picture, block: number): Uint8Array {
  const { width, height } = size;
  const other = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const fromY = Math.min(height - 1, Math.floor(y / block) * block + (block >> 1));
    for (let x = 0; x < width; x++) {
      const fromX = Math.min(width - 1, Math.floor(x / block) * block + (block >> 1));
      const from = (fromY * width + fromX) * 3;
      other.set(data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return other;
}

/** Two passes of a box filter. */
function blurred({ data, size }: Picture, radius: number): Uint8Array {
  let other = data;
  for (let pass = 0; pass < 2; pass++) {
    const sums = boxSums(other, size, { margin: radius, channels: 3 });
    const counts = boxSums(new Uint8Array(size.width * size.height).fill(1), size, {
      margin: radius,
      channels: 1,
    });
    other = Uint8Array.from(sums, (sum, index) => sum / (counts[Math.floor(index / 3)] ?? 1));
  }
  return other;
}

/** Sums over the square of `margin` pixels to each side, cut at the picture's borders. */
function boxSums(
  values: Uint8Array,
  { width, height }: Size,
  { margin, channels }: { readonly margin: number; readonly channels: number },
): Float64Array {
  const table = new Float64Array((width + 1) * (height + 1) * channels);
  const row = (width + 1) * channels;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width * channels; x++) {
      const to = (y + 1) * row + x + channels;
      const sum = (table[to - row] ?? 0) + (table[to - channels] ?? 0);
      table[to] = sum - (table[to - row - channels] ?? 0) + (values[y * width * channels + x] ?? 0);
    }
  }
  const sums = new Float64Array(values.length);
  for (let y = 0; y < height; y++) {
    const top = Math.max(0, y - margin) * row;
    const bottom = Math.min(height, y + margin + 1) * row;
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - margin) * channels;
      const right = Math.min(width, x + margin + 1) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const at = (table[bottom + right + channel] ?? 0) - (table[bottom + left + channel] ?? 0);
        const above = (table[top + right + channel] ?? 0) - (table[top + left + channel] ?? 0);
        sums[(y * width + x) * channels + channel] = at - above;
      }
    }
  }
  return sums;
}
