import { expect, test } from 'vitest';
import { roomForObjects } from '../../../src/pipeline/prompts/object-room.ts';

const limits = { maxObjects: 32, maxObjectMemoryBytes: 20_000_000 };

function sized(maxBytes: number) {
  return { objectMemory: { maxBytes, maskPrompts: 'exact' } } as const;
}

test('a model without a memory of its own takes as many objects as the server allows', () => {
  expect(roomForObjects({}, limits)).toBe(32);
  expect(roomForObjects({ objectMemory: null }, limits)).toBe(32);
});

test('a model with one takes as many as their memories fit', () => {
  expect(roomForObjects(sized(5_300_000), limits)).toBe(3);
  expect(roomForObjects(sized(100_000), limits)).toBe(32);
});
