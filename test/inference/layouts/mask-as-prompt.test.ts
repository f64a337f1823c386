import { expect, test } from 'vitest';
import { maskAsPrompt } from '../../../src/inference/layouts/mask-as-prompt.ts';

const side = 16;

function mask(isInside: (x: number, y: number) => boolean): Float32Array {
  return Float32Array.from({ length: side * side }, (_, i) =>
    isInside(i % side, Math.floor(i / side)) ? 0.9 : 0.1,
  );
}

const inBar = (x: number, y: number): boolean => x >= 2 && x < 14 && y >= 4 && y < 8;

const inRing = (x: number, y: number): boolean => {
  const distance = Math.hypot(x - 7.5, y - 7.5);
  return distance < 7 && distance > 3;
};

test('an empty mask is no prompt', () => {
  expect(
    maskAsPrompt(
      mask(() => false),
      side,
    ),
  ).toBeNull();
});

test('a mask is its box, its deepest point, and points inside far from that', () => {
  const prompt = maskAsPrompt(mask(inBar), side)!;
  expect(prompt.box).toEqual({ x: 2 / 16, y: 4 / 16, width: 12 / 16, height: 4 / 16 });
  expect(prompt.clicks).toHaveLength(3);
  for (const { x, y, label } of prompt.clicks) {
    expect(label).toBe('positive');
    expect(inBar(Math.floor(x * side), Math.floor(y * side))).toBe(true);
  }
  const columns = prompt.clicks.map(({ x }) => x * side);
  expect(Math.max(...columns) - Math.min(...columns)).toBeGreaterThan(4);
});

test('no point lies in the hole of a ring', () => {
  for (const { x, y } of maskAsPrompt(mask(inRing), side)!.clicks) {
    expect(inRing(Math.floor(x * side), Math.floor(y * side))).toBe(true);
  }
});

test('a mask of one cell has one point', () => {
  const prompt = maskAsPrompt(
    mask((x, y) => x === 3 && y === 5),
    side,
  )!;
  expect(prompt.clicks).toEqual([{ x: 3.5 / 16, y: 5.5 / 16, label: 'positive' }]);
});
