import { paintMask } from '../frame/mask.ts';
import type { Size } from '../frame/geometry.ts';
import type { AnsweredFrame } from './answered-frame.ts';

/** A picture of object ids: one byte a pixel, row-major, 0 = background. */
export type IdPicture = { readonly size: Size; readonly ids: Uint8Array };

/**
 * All objects of a frame in one picture of ids. Masks of one frame do not overlap (the CLI asks for
 * DISJOINT), so the order does not matter.
 */
export function idPicture(frame: AnsweredFrame): IdPicture {
  const { size } = frame;
  const ids = new Uint8Array(size.width * size.height);
  for (const { mask, objectId } of frame.objects) paintMask(mask, ids, objectId);
  return { size, ids };
}

/** Name of a frame's picture below `masks/`. */
export function maskFileName(frameIndex: number): string {
  return `${String(frameIndex).padStart(5, '0')}.png`;
}
