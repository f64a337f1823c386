import { readFile } from 'node:fs/promises';
import { SegmentationError, usageError } from '../frame/errors.ts';
import type { Mask } from '../frame/mask.ts';
import { maskFromBitmap } from '../frame/mask.ts';
import { readIndexedPng } from '../formats/indexed-png.ts';

/** Masks of all objects in a PNG of ids. Throws `unreadable-file`, `usage` where it holds none. */
export async function readObjectMasks(file: string): Promise<Map<number, Mask>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new SegmentationError('unreadable-file', `${file}: expected a PNG, got no such file`, {
      cause,
    });
  }
  const { size, ids } = readIndexedPng(bytes, file);
  const masks = new Map<number, Mask>();
  for (const id of [...new Set(ids)].filter((value) => value > 0).toSorted((a, b) => a - b)) {
    masks.set(
      id,
      maskFromBitmap(
        ids.map((value) => (value === id ? 1 : 0)),
        size,
      ),
    );
  }
  if (masks.size === 0) throw usageError(`${file}: expected at least one object, got only zeros`);
  return masks;
}
