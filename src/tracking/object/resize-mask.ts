import type { Size } from '../../frame/geometry.ts';
import { maskFromBitmap, type Mask } from '../../frame/mask.ts';

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
