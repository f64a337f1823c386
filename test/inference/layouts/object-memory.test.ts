import { expect, test } from 'vitest';
import type { ObjectMemory } from '../../../src/frame/ports.ts';
import {
  bankOf,
  maxMemoryBytes,
  memoryBytes,
  readMap,
  remember,
} from '../../../src/inference/layouts/object-memory.ts';

const rules = {
  maps: 7,
  conditioningFrames: 2,
  maxPointers: 16,
  tokensPerMap: 4,
  dim: 64,
  tokensPerPointer: 2,
  values: 'bfloat16',
} as const;

/** A memory whose n-th map and pointer hold n. */
function after(keyframes: number, promptedOn: readonly number[]): ObjectMemory {
  let memory: ObjectMemory | null = null;
  for (let i = 0; i < keyframes; i++) {
    const map = new Float32Array(4 * 64).fill(i);
    const pointer = new Float32Array(128).fill(i);
    memory = remember(memory, { prompted: promptedOn.includes(i), map, pointer }, rules);
  }
  return memory!;
}

function first(map: Uint16Array | Float32Array): number {
  const out = new Float32Array(map.length);
  readMap(map, out);
  return out[0]!;
}

function shownOf(memory: ObjectMemory) {
  const bank = bankOf(memory, rules);
  return {
    maps: bank.maps.map(({ map, row }) => [first(map), row]),
    pointers: bank.pointers.map(({ pointer, age }) => [pointer[0]!, age]),
  };
}

test('the keyframe after a prompt sees that one alone, in the last row of the table', () => {
  expect(shownOf(after(1, [0]))).toEqual({ maps: [[0, 6]], pointers: [[0, 1]] });
});

test('keyframes since the prompt are seen by their age: k ago has row k - 1', () => {
  expect(shownOf(after(4, [0]))).toEqual({
    maps: [
      [0, 6],
      [1, 2],
      [2, 1],
      [3, 0],
    ],
    pointers: [
      [0, 4],
      [3, 1],
      [2, 2],
      [1, 3],
    ],
  });
});

test('in a long stream six maps and fifteen pointers are seen besides the prompt’s', () => {
  const { maps, pointers } = shownOf(after(40, [0]));
  expect(maps).toEqual([
    [0, 6],
    [34, 5],
    [35, 4],
    [36, 3],
    [37, 2],
    [38, 1],
    [39, 0],
  ]);
  expect(pointers[0]).toEqual([0, 40]);
  expect(pointers.slice(1).map(([value]) => value)).toEqual(
    Array.from({ length: 15 }, (_, i) => 39 - i),
  );
});

test('of more prompts than may be kept the newest keep their maps, and all their pointers', () => {
  const { maps, pointers } = shownOf(after(5, [0, 2, 3]));
  expect(maps).toEqual([
    [2, 6],
    [3, 6],
    [1, 3],
    [4, 0],
  ]);
  expect(pointers.map(([value]) => value)).toEqual([0, 2, 3, 4, 1]);
});

test('a memory is never larger than what it is announced to be', () => {
  const bound = maxMemoryBytes(rules);
  const all = Array.from({ length: 60 }, (_, i) => i);
  for (const prompted of [[0], [0, 30], all, all.filter((i) => i % 2 === 0)]) {
    let largest = 0;
    for (let i = 1; i <= 60; i++) largest = Math.max(largest, memoryBytes(after(i, prompted)));
    expect(largest).toBeLessThanOrEqual(bound);
  }
  // SAM 2.1 at 1024 pixels with one prompt: 7 maps of 4096 x 64 in bfloat16 are 3.67 MB.
  const real = { ...rules, tokensPerMap: 4096, tokensPerPointer: 4, conditioningFrames: 1 };
  expect(maxMemoryBytes(real)).toBe(7 * 4096 * 64 * 2 + 31 * 1024);
});

test('an earlier memory stays as it was, and shares what it holds with the later one', () => {
  const before = after(3, [0]);
  const pointer = new Float32Array(128);
  const map = new Float32Array(4 * 64);
  const later = remember(before, { prompted: false, map, pointer }, rules);
  expect(before.keyframes).toBe(3);
  expect(before.traces).toHaveLength(3);
  expect(later.traces[1]).toBe(before.traces[1]);
  expect(later.traces.at(-1)!.pointer.buffer).toBeInstanceOf(SharedArrayBuffer);
});
