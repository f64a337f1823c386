import { expect, test } from 'vitest';
import { freeMemory } from '../../src/frame/free-memory.ts';

const megabyte = 1024 * 1024;

test('memory is free at once, without a garbage collection', () => {
  const before = process.memoryUsage().arrayBuffers;
  // A collector would be called at 32 MB, and let the last of them stay.
  for (let i = 0; i < 16; i++) freeMemory(new Uint8Array(megabyte).fill(i));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(megabyte);
});

test('every view of freed memory is empty, so a late reader finds nothing', () => {
  const all = new Float32Array(8).fill(1);
  const part = all.subarray(2, 4);
  freeMemory(part);
  expect([all.length, part.length, all.buffer.byteLength]).toEqual([0, 0, 0]);
  expect(all[0]).toBeUndefined();
});

test('freeing twice is freeing once, and shared memory stays', () => {
  const own = new Uint8Array(8);
  freeMemory(own);
  expect(() => freeMemory(own)).not.toThrow();
  const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(3);
  freeMemory(shared);
  expect(shared[7]).toBe(3);
});
