import { expect, test } from 'vitest';
import { ObjectMemoryPool } from '../../../src/pipeline/prompts/object-memory-pool.ts';

const mebibyte = 2 ** 20;

test('streams share one budget; what ends gives its part back', () => {
  const pool = new ObjectMemoryPool({ maxBytes: 5 * mebibyte });
  const one = pool.open(2 * mebibyte);
  const other = pool.open(2 * mebibyte);
  one.require(1);
  one.book(1);
  other.require(1);
  other.book(1);
  expect(pool.takenBytes).toBe(4 * mebibyte);
  expect(() => one.require(2)).toThrow(
    "the model keeps up to 2 MiB of each object, and this server 5 MiB of all streams': " +
      'expected at most 0 more, got 1',
  );
  // What is there already may stay.
  one.require(1);
  other.book(0);
  one.require(2);
  one.book(2);
  one.close();
  one.close();
  one.book(7);
  expect(pool.takenBytes).toBe(0);
  expect(() => other.require(3)).toThrow(expect.objectContaining({ code: 'too-many-objects' }));
  expect(() => other.require(3)).toThrow('expected at most 2 more, got 3');
});

test('a model that keeps nothing takes nothing', () => {
  const pool = new ObjectMemoryPool({ maxBytes: 1 });
  const share = pool.open(0);
  share.require(1000);
  share.book(1000);
  expect(pool.takenBytes).toBe(0);
});
