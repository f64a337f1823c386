import type { Size } from '../../frame/geometry.ts';
import { maskFromBitmap, type Mask } from '../../frame/mask.ts';
import type { ObjectOutput, OutputOptions } from '../delivery-types.ts';
import { renderDisjoint } from '../mask/overlap.ts';
import { renderMask } from '../mask/render.ts';
import { confidenceOf, presenceOf, type TrackedObject } from './tracked-object.ts';

/** Thresholds, applies the overlap rule and measures what is delivered, by ascending object id. */
export function renderObjects(
  objects: readonly TrackedObject[],
  frame: { readonly display: Size; readonly timestampUs: number },
  options: OutputOptions,
): ObjectOutput[] {
  const disjoint = options.overlap === 'disjoint';
  const masks = objects.map((object) => object.soft);
  const rendered = disjoint
    ? renderDisjoint(masks, frame.display)
    : masks.map((mask) => renderMask(mask, frame.display));
  let shown = objects.map((object, i) => object.given ?? rendered[i]!);
  if (disjoint) shown = givenMasksFirst(objects, shown);
  return objects.map((object, i) => {
    const display = shown[i]!;
    return {
      objectId: object.objectId,
      mask: resizeMask(display, options.maskSize),
      box: display.box,
      area: display.area,
      confidence: confidenceOf(object, frame.timestampUs),
      presence: presenceOf(object, frame.timestampUs),
      predictedIou: object.sourceKeyframe?.predictedIou ?? null,
      sourceKeyframe: object.sourceKeyframe?.frameIndex ?? null,
    };
  });
}

/** A given mask is answered exactly, so the others yield to it; among given ones the lowest id wins. */
function givenMasksFirst(objects: readonly TrackedObject[], masks: readonly Mask[]): Mask[] {
  const out = [...masks];
  objects.forEach((object, i) => {
    const given = object.given;
    if (given === null) return;
    objects.forEach((other, j) => {
      if (j === i || (other.given !== null && j < i)) return;
      const mask = out[j];
      const winner = out[i];
      if (mask && winner) out[j] = without(mask, winner);
    });
  });
  return out;
}

function without(mask: Mask, taken: Mask): Mask {
  const a = mask.box;
  const b = taken.box;
  if (a === null || b === null) return mask;
  const bits = mask.bits.slice();
  for (let y = Math.max(a.y, b.y); y < Math.min(a.y + a.height, b.y + b.height); y++) {
    for (let x = Math.max(a.x, b.x); x < Math.min(a.x + a.width, b.x + b.width); x++) {
      if (taken.bits[(y - b.y) * b.width + x - b.x]) bits[(y - a.y) * a.width + x - a.x] = 0;
    }
  }
  return maskFromBitmap(bits, mask.size, a);
}

/** A binary mask at another size, by the pixel at each target centre. */
export function resizeMask(mask: Mask, size: Size): Mask {
  if (mask.size.width === size.width && mask.size.height === size.height) return mask;
  if (mask.box === null) return { size, box: null, bits: mask.bits, area: 0 };
  const { box, bits } = mask;
  // Only what the box can reach: a small object in a large picture costs what it covers.
  const across = targetPlaces(box.x, box.width, mask.size.width, size.width);
  const down = targetPlaces(box.y, box.height, mask.size.height, size.height);
  const width = across.at.length;
  const bitmap = new Uint8Array(width * down.at.length);
  down.at.forEach((row, y) => {
    const from = row * box.width;
    for (let x = 0; x < width; x++) bitmap[y * width + x] = bits[from + across.at[x]!]!;
  });
  return maskFromBitmap(bitmap, size, {
    x: across.first,
    y: down.first,
    width,
    height: down.at.length,
  });
}

/** The target pixels along one axis whose centre lies in a part of the source: the first, and what each reads. */
function targetPlaces(start: number, length: number, source: number, target: number) {
  const scale = source / target;
  // One more at either end: what rounding gets wrong is taken out again.
  const first = Math.max(0, Math.floor(start / scale) - 1);
  const end = Math.min(target, Math.ceil((start + length) / scale) + 1);
  const reads = Array.from(
    { length: end - first },
    (_, i) => Math.floor(((first + i + 0.5) * source) / target) - start,
  );
  const inside = (read: number): boolean => read >= 0 && read < length;
  const skipped = Math.max(0, reads.findIndex(inside));
  return { first: first + skipped, at: reads.filter(inside) };
}
