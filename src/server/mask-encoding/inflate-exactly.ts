import { constants, inflateSync } from 'node:zlib';

/**
 * Most bytes of a piece of the result. Thousands of zlib's own 16 KiB, for one large picture, would be
 * cut from the allocator's arenas, which keep the room that they took.
 */
const maxChunkBytes = 1024 * 1024;

/**
 * Inflates zlib data that must come to `length` bytes; null if it does not. Stops at `length`, so a
 * few bytes that would unpack to gigabytes cost no more than a true picture.
 */
export function inflateExactly(data: Uint8Array, length: number): Buffer | null {
  try {
    const chunkSize = Math.max(constants.Z_MIN_CHUNK, Math.min(length, maxChunkBytes));
    const inflated = inflateSync(data, { maxOutputLength: length, chunkSize });
    return inflated.length === length ? inflated : null;
  } catch {
    return null;
  }
}
