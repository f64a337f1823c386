import { expect, test } from 'vitest';
import { maskFromBitmap } from '../../src/frame/mask.ts';
import { fitPromptsToPicture } from '../../src/frame/prompt-bounds.ts';
import type { Prompts } from '../../src/frame/prompt.ts';

const size = { width: 100, height: 50 };

const nothing: Prompts = { points: [], box: null, mask: null };

function box(x: number, y: number, width: number, height: number) {
  return { x, y, width, height };
}

test('prompts inside the picture pass, and a box is clipped to it', () => {
  const points = [
    { x: 0, y: 0, label: 'positive' as const },
    { x: 99.9, y: 49.9, label: 'negative' as const },
  ];
  const fitted = fitPromptsToPicture({ ...nothing, points, box: box(90, 40, 20, 20) }, size);
  expect(fitted).toEqual({ points, box: box(90, 40, 10, 10), mask: null });
});

test.each([
  [{ points: [{ x: 100, y: 0, label: 'positive' }] }, 'point must lie in the 100 x 50 picture'],
  [{ points: [{ x: 0, y: -0.1, label: 'positive' }] }, 'got (0, -0.1)'],
  [{ points: [{ x: Number.NaN, y: 0, label: 'positive' }] }, 'got (NaN, 0)'],
  [{ box: box(100, 0, 9, 9) }, 'box must overlap the 100 x 50 picture, got 9 x 9 at (100, 0)'],
  [
    { mask: maskFromBitmap(new Uint8Array(4), { width: 2, height: 2 }) },
    'mask must have the display size 100 x 50, got 2 x 2',
  ],
] as [Partial<Prompts>, string][])('%j is refused', (prompts, message) => {
  const fit = (): Prompts => fitPromptsToPicture({ ...nothing, ...prompts }, size);
  expect(fit).toThrow(message);
  expect(fit).toThrow(expect.objectContaining({ code: 'invalid-prompt' }));
});
