import { createCipheriv } from 'node:crypto';

/** Bytes without structure, the same in every run: chance can write a JPEG header of any size. */
export function noiseBytes(length: number): Uint8Array {
  const key = new Uint8Array(16).fill(7);
  return createCipheriv('aes-128-ctr', key, key).update(new Uint8Array(length));
}
