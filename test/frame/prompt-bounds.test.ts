import { expect, test } from 'vitest';
import { errorCodes, SegmentationError } from '../../src/frame/errors.ts';
import { clipBox, fitLongSide, scaleBox, unionBox } from '../../src/frame/geometry.ts';
import { maskFromBitmap } from '../../src/frame/mask.ts';
import { fitPromptsToPicture } from '../../src/frame/prompt-bounds.ts';
import type { Prompts } from '../../src/frame/prompt.ts';
import { microsecondsBetween, microsecondsFromTicks } from '../../src/frame/time.ts';
import { workerEntry } from '../../src/frame/worker-entry.ts';

const size = { width: 100, height: 50 };
const nothing: Prompts = { points: [], box: null, mask: null };

function box(x: number, y: number, width: number, height: number) {
  return { x, y, width, height };
}

test.each([
  [box(-10, -10, 20, 20), box(0, 0, 10, 10)],
  [box(90, 40, 20, 20), box(90, 40, 10, 10)],
  [box(-5, -5, 200, 200), box(0, 0, 100, 50)],
  [box(100, 0, 5, 5), null],
  [box(0, -5, 5, 5), null],
  [box(10, 10, 0, 5), null],
  [box(10, 10, -3, 5), null],
])('%j clipped is %j', (given, expected) => {
  expect(clipBox(given, size)).toEqual(expected);
});

test('the union holds both boxes; empty is null', () => {
  expect(unionBox(box(0, 0, 2, 2), box(5, 1, 1, 4))).toEqual(box(0, 0, 6, 5));
  expect(unionBox(null, box(5, 1, 1, 4))).toEqual(box(5, 1, 1, 4));
  expect(unionBox(box(5, 1, 1, 4), null)).toEqual(box(5, 1, 1, 4));
  expect(unionBox(null, null)).toBeNull();
});

test('boxes scale by axis, sizes fit their longer side and never grow', () => {
  expect(scaleBox(box(10, 10, 4, 4), size, { width: 50, height: 100 })).toEqual(box(5, 20, 2, 8));
  expect(fitLongSide({ width: 1920, height: 1080 }, 512)).toEqual({ width: 512, height: 288 });
  expect(fitLongSide({ width: 90, height: 300 }, 512)).toEqual({ width: 90, height: 300 });
  expect(fitLongSide({ width: 1, height: 10_000 }, 100)).toEqual({ width: 1, height: 100 });
});

test('ticks become microseconds, rounded, also before zero and beyond 32 bits', () => {
  const ntsc = { numerator: 1, denominator: 90_000 };
  expect(microsecondsFromTicks(3003, ntsc)).toBe(33_367);
  expect(microsecondsFromTicks(-3003, ntsc)).toBe(-33_367);
  expect(microsecondsFromTicks(8_589_934_592, ntsc)).toBe(95_443_717_689);
  expect(microsecondsBetween(1.5, 2.7504)).toBe(1250);
  expect(microsecondsBetween(3, 2)).toBe(0);
});

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

test('an error of ours stays itself, anything else says nothing of its cause', () => {
  const ours = new SegmentationError('worker-died', 'it died');
  expect(SegmentationError.from(ours)).toBe(ours);
  for (const reason of [new Error('secret'), 'secret', undefined]) {
    const error = SegmentationError.from(reason);
    expect(error).toMatchObject({ code: 'internal', message: 'internal error', cause: reason });
  }
  expect(new Set(errorCodes).size).toBe(errorCodes.length);
});

test('a worker is found beside its caller, or from source in the build', () => {
  expect(workerEntry('file:///app/dist/src/pipeline/pool.js', 'worker').href).toBe(
    'file:///app/dist/src/pipeline/worker.js',
  );
  expect(workerEntry('file:///app/src/pipeline/pool.ts', 'worker').href).toBe(
    'file:///app/dist/src/pipeline/worker.js',
  );
});
