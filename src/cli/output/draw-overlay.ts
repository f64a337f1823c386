import { sameSize, scaleBox } from '../../frame/geometry.ts';
import type { Box, Size } from '../../frame/geometry.ts';
import { maskFromBitmap, maskToBitmap } from '../../frame/mask.ts';
import type { Mask } from '../../frame/mask.ts';
import type { AnsweredFrame, AnsweredObject } from '../../formats/answered-frame.ts';
import { glyphPixel, glyphSize } from './bitmap-font.ts';
import { drawableText } from './drawable-text.ts';
import { type OverlayStyle, paintStyle } from './overlay-style.ts';

type Colour = readonly [red: number, green: number, blue: number];

/** rgb24 pixels of a picture, row-major. */
export type RgbPicture = { readonly size: Size; readonly data: Uint8Array };

/** Share of the object's colour inside its mask: the picture stays readable below it. */
const tintRatio = 0.45;
/** Bright, far apart in hue, in the order of ids; they repeat after eight objects. */
const colours: readonly Colour[] = [
  [255, 77, 77],
  [64, 160, 255],
  [80, 220, 100],
  [255, 200, 40],
  [200, 100, 255],
  [0, 215, 215],
  [255, 130, 200],
  [170, 220, 40],
];

/** Colour of an object in overlays. */
export function overlayColour(objectId: number): Colour {
  return colours[(objectId - 1) % colours.length] ?? [255, 255, 255];
}

/**
 * Draws every object of a frame onto its picture: by default tint, outline, box, id and confidence; the
 * other styles are those of {@link paintStyle}.
 */
export function drawOverlay(
  picture: RgbPicture,
  frame: AnsweredFrame,
  style: OverlayStyle = 'labels',
): void {
  const thickness = Math.max(1, Math.round(picture.size.height / 240));
  // After a change of size, pictures are stretched to the first one; so must be what is drawn on them.
  const objects = frame.objects.map((object) => stretched(object, frame.size, picture.size));
  if (style !== 'labels') {
    const masks = objects.map(({ mask, objectId }) => ({ mask, colour: overlayColour(objectId) }));
    paintStyle(picture, masks, style);
    return;
  }
  for (const object of objects) {
    const colour = overlayColour(object.objectId);
    if (object.box === null) continue;
    tint(picture, object.mask, colour, thickness);
    frameBox(picture, object.box, colour, thickness);
  }
  for (const object of objects) if (object.box !== null) drawLabel(picture, object, thickness);
}

/** The object as it lies on a picture that was stretched from one size to another. */
function stretched(object: AnsweredObject, from: Size, to: Size): AnsweredObject {
  if (sameSize(from, to) || object.box === null) return object;
  const box = scaleBox(object.box, from, to);
  const right = Math.round(box.x + box.width);
  const bottom = Math.round(box.y + box.height);
  const [x, y] = [Math.round(box.x), Math.round(box.y)];
  const ids = maskToBitmap(object.mask);
  const bits = new Uint8Array(to.width * to.height);
  for (let row = y; row < bottom; row++) {
    const fromRow = Math.floor(((row + 0.5) * from.height) / to.height) * from.width;
    for (let column = x; column < right; column++) {
      const fromColumn = Math.floor(((column + 0.5) * from.width) / to.width);
      bits[row * to.width + column] = ids[fromRow + fromColumn] ?? 0;
    }
  }
  const rounded = { x, y, width: right - x, height: bottom - y };
  return { ...object, box: rounded, mask: maskFromBitmap(bits, to) };
}

/** Draws text with its top left corner at (x, y) on a filled background. */
export function drawText(
  picture: RgbPicture,
  text: string,
  at: { readonly x: number; readonly y: number; readonly scale: number },
  background: Colour,
): void {
  const advance = (glyphSize.width + 1) * at.scale;
  const box = { x: at.x, y: at.y, ...textSize(text, at.scale) };
  fill(picture, box, background);
  const dark = background[0] * 0.3 + background[1] * 0.59 + background[2] * 0.11 > 110;
  const ink: Colour = dark ? [0, 0, 0] : [255, 255, 255];
  for (const [index, character] of Array.from(text).entries()) {
    for (let row = 0; row < glyphSize.height; row++) {
      for (let column = 0; column < glyphSize.width; column++) {
        if (!glyphPixel(character, column, row)) continue;
        const x = at.x + index * advance + (column + 1) * at.scale;
        fill(
          picture,
          { x, y: at.y + (row + 1) * at.scale, width: at.scale, height: at.scale },
          ink,
        );
      }
    }
  }
}

/** Size of {@link drawText}'s background in pixels. */
function textSize(text: string, scale: number): Size {
  return {
    width: (Array.from(text).length * (glyphSize.width + 1) + 1) * scale,
    height: (glyphSize.height + 1) * scale,
  };
}

function drawLabel(picture: RgbPicture, object: AnsweredObject, scale: number): void {
  if (object.box === null) return;
  // The font has ASCII: a label in another script is in the files, and here its object's number.
  const name = object.label === null ? null : drawableText(object.label);
  const text = `${object.objectId}${name === null ? '' : ` ${name}`} ${object.confidence.toFixed(2)}`;
  const size = textSize(text, scale);
  const above = object.box.y - size.height;
  const x = Math.max(0, Math.min(object.box.x, picture.size.width - size.width));
  const y = above >= 0 ? above : object.box.y;
  drawText(picture, text, { x, y, scale }, overlayColour(object.objectId));
}

/** Blends the colour into the mask; the rim of `thickness` pixels is solid. */
function tint(picture: RgbPicture, mask: Mask, colour: Colour, thickness: number): void {
  if (mask.box === null) return;
  const { x: left, y: top, width, height } = mask.box;
  const inside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && mask.bits[y * width + x] === 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      const rim =
        !inside(x - thickness, y) ||
        !inside(x + thickness, y) ||
        !inside(x, y - thickness) ||
        !inside(x, y + thickness);
      blend(picture, left + x, top + y, colour, rim ? 1 : tintRatio);
    }
  }
}

function frameBox(picture: RgbPicture, box: Box, colour: Colour, thickness: number): void {
  const { x, y, width, height } = box;
  fill(picture, { x, y, width, height: thickness }, colour);
  fill(picture, { x, y: y + height - thickness, width, height: thickness }, colour);
  fill(picture, { x, y, width: thickness, height }, colour);
  fill(picture, { x: x + width - thickness, y, width: thickness, height }, colour);
}

function fill(picture: RgbPicture, box: Box, colour: Colour): void {
  const right = Math.min(picture.size.width, box.x + box.width);
  const bottom = Math.min(picture.size.height, box.y + box.height);
  for (let y = Math.max(0, box.y); y < bottom; y++) {
    for (let x = Math.max(0, box.x); x < right; x++) blend(picture, x, y, colour, 1);
  }
}

// oxlint-disable-next-line max-params -- one call a pixel: an options object would be the cost
function blend(picture: RgbPicture, x: number, y: number, colour: Colour, ratio: number): void {
  const at = (y * picture.size.width + x) * 3;
  for (let channel = 0; channel < 3; channel++) {
    const from = picture.data[at + channel] ?? 0;
    picture.data[at + channel] = Math.round(from + (colour[channel]! - from) * ratio);
  }
}
