import { paintMask } from '../frame/mask.ts';
import type { IdPicture } from './indexed-png.ts';
import type { AnsweredFrame } from './answered-frame.ts';

/**
 * All objects of a frame in one picture of ids. Masks of one frame do not overlap (the CLI asks for
 * DISJOINT), so the order does not matter.
 *
 * @param size display size, for frames without objects
 */
export function idPicture(frame: AnsweredFrame, size: IdPicture['size']): IdPicture {
  const pictureSize = frame.objects[0]?.mask.size ?? size;
  const ids = new Uint8Array(pictureSize.width * pictureSize.height);
  for (const { mask, objectId } of frame.objects) paintMask(mask, ids, objectId);
  return { size: pictureSize, ids };
}

/** Name of a frame's picture below `masks/`. */
export function maskFileName(frameIndex: number): string {
  return `${String(frameIndex).padStart(5, '0')}.png`;
}
