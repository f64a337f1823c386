import { maskFromBitmap, type Mask } from '../../frame/mask.ts';

/**
 * Masks without islands and holes of fewer than `minArea` pixels (SAM's `min_mask_region_area`). The
 * largest part of a mask always stays. A hole is filled only where no other mask of the list has a
 * pixel: what lies there is another object.
 */
export function cleanMasks(masks: readonly Mask[], minArea: number): Mask[] {
  const whole = masks.map((mask) => dropIslands(mask, minArea));
  return whole.map((mask, i) =>
    fillHoles(
      mask,
      minArea,
      whole.filter((_, j) => j !== i),
    ),
  );
}

function dropIslands(mask: Mask, minArea: number): Mask {
  const { box, size } = mask;
  if (box === null) return mask;
  const { small, largest } = smallParts(mask.bits, { value: 1, width: box.width, minArea });
  const islands = small.filter(({ length }) => length < largest);
  if (islands.length === 0) return mask;
  const bits = mask.bits.slice();
  for (const island of islands) for (const at of island) bits[at] = 0;
  return maskFromBitmap(bits, size, box);
}

function fillHoles(mask: Mask, minArea: number, others: readonly Mask[]): Mask {
  const { box } = mask;
  if (box === null) return mask;
  const { width, height } = box;
  const isRim = (at: number): boolean => {
    const x = at % width;
    const y = (at - x) / width;
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  };
  const isTaken = (at: number): boolean =>
    others.some((other) => has(other, box.x + (at % width), box.y + Math.floor(at / width)));
  const { small } = smallParts(mask.bits, { value: 0, width, minArea });
  const holes = small.filter((part) => !part.some(isRim) && !part.some(isTaken));
  if (holes.length === 0) return mask;
  const bits = mask.bits.slice();
  for (const hole of holes) for (const at of hole) bits[at] = 1;
  const filled = holes.reduce((sum, { length }) => sum + length, 0);
  return { ...mask, bits, area: mask.area + filled };
}

function has({ box, bits }: Mask, x: number, y: number): boolean {
  if (box === null || x < box.x || y < box.y) return false;
  if (x >= box.x + box.width || y >= box.y + box.height) return false;
  return bits[(y - box.y) * box.width + x - box.x] === 1;
}

/**
 * Parts of the pixels that have a value, those beside each other (4-connected) together: the pixels of
 * each that has fewer than `minArea`, and how many the largest of all has.
 */
function smallParts(
  bits: Uint8Array,
  { value, width, minArea }: { value: 0 | 1; width: number; minArea: number },
): { readonly small: readonly Int32Array[]; readonly largest: number } {
  const seen = new Uint8Array(bits.length);
  const queue = new Int32Array(bits.length);
  const small: Int32Array[] = [];
  let largest = 0;
  let end = 0;
  const visit = (at: number): void => {
    if (bits[at] !== value || seen[at] === 1) return;
    seen[at] = 1;
    queue[end++] = at;
  };
  for (let start = 0; start < bits.length; start++) {
    end = 0;
    visit(start);
    for (let next = 0; next < end; next++) {
      const at = queue[next]!;
      const x = at % width;
      if (x > 0) visit(at - 1);
      if (x < width - 1) visit(at + 1);
      if (at >= width) visit(at - width);
      if (at + width < bits.length) visit(at + width);
    }
    if (end > 0 && end < minArea) small.push(queue.slice(0, end));
    largest = Math.max(largest, end);
  }
  return { small, largest };
}
