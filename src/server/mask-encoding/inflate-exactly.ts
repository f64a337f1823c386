import { inflateSync } from 'node:zlib';

/**
 * Inflates zlib data that must come to `length` bytes; null if it does not. Stops at `length`, so a
 * few bytes that would unpack to gigabytes cost no more than a true picture.
 */
export function inflateExactly(data: Uint8Array, length: number): Buffer | null {
  try {
    const inflated = inflateSync(data, { maxOutputLength: length });
    return inflated.length === length ? inflated : null;
  } catch {
    return null;
  }
}
