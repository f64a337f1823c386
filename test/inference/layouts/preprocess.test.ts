import type { Size } from '../../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import { pictureOf, type Picture } from '../../../src/inference/picture.ts';
import { fillInput } from '../../../src/inference/layouts/preprocess.ts';
import { paintFrame, plainFrame } from '../../fixtures/painted-frames.ts';

const target = {
  width: 4,
  height: 4,
  fit: 'stretch',
  colour: 'rgb',
  range: '0-255',
  mean: null,
  std: null,
} as const;

function inputOf(frame: ReturnType<typeof plainFrame>, settings: object = {}): Float32Array {
  using picture = frame;
  const out = new Float32Array(48);
  fillInput(pictureOf(picture), { ...target, ...settings }, out);
  return out;
}

test('BT.601 limited range maps white, black and primaries to their RGB bytes', () => {
  const cases = [
    [
      [235, 128, 128],
      [255, 255, 255],
    ],
    [
      [16, 128, 128],
      [0, 0, 0],
    ],
    [
      [126, 128, 128],
      [128.1, 128.1, 128.1],
    ],
    [
      [81, 90, 240],
      [254.4, 0, 0],
    ],
    [
      [145, 54, 34],
      [0, 255, 0.9],
    ],
    [
      [41, 240, 110],
      [0, 0, 255],
    ],
  ] as const;
  for (const [yuv, [red, green, blue]] of cases) {
    const out = inputOf(plainFrame(yuv));
    expect(out[0]).toBeCloseTo(red, 0);
    expect(out[16]).toBeCloseTo(green, 0);
    expect(out[32]).toBeCloseTo(blue, 0);
    expect(new Set(out.subarray(0, 16)).size).toBe(1);
  }
});

test('BGR order swaps the outer planes, and mean and std apply in units of the range', () => {
  const rgb = inputOf(plainFrame([81, 90, 240]));
  const bgr = inputOf(plainFrame([81, 90, 240]), { colour: 'bgr' });
  expect(bgr[0]).toBe(rgb[32]);
  expect(bgr[32]).toBe(rgb[0]);
  const scaled = inputOf(plainFrame([235, 128, 128]), {
    range: '0-1',
    mean: [0.5, 0.25, 0],
    std: [0.5, 0.25, 2],
  });
  expect(scaled[0]).toBeCloseTo(1, 3);
  expect(scaled[16]).toBeCloseTo(3, 3);
  expect(scaled[32]).toBeCloseTo(0.5, 3);
});

/** The luma that the model sees of a grey picture whose pixels are `paint(x, y)`, row by row. */
function lumaOf(size: Size, seen: Size, paint: (x: number, y: number) => number): number[] {
  using frame = paintFrame(size, (x, y) => [paint(x, y), 128, 128]);
  const out = new Float32Array(3 * seen.width * seen.height);
  fillInput(pictureOf(frame), { ...target, ...seen }, out);
  return [...out.subarray(0, seen.width * seen.height)].map((value) => value / 1.164383 + 16);
}

test('a picture at its own size keeps every pixel', () => {
  const size = { width: 6, height: 4 };
  const pixels = Array.from({ length: 24 }, (_, i) => 20 + ((i * 37) % 210));
  const seen = lumaOf(size, size, (x, y) => pixels[y * 6 + x]!);
  for (const [i, value] of seen.entries()) expect(value).toBeCloseTo(pixels[i]!, 3);
});

test('bilinear sampling keeps pixel centres: a ramp stays on its line, edges repeat', () => {
  const ramp = lumaOf({ width: 14, height: 2 }, { width: 12, height: 2 }, (x) => 16 + x * 15);
  for (let x = 0; x < 12; x++) {
    expect(ramp[x]).toBeCloseTo(16 + ((x + 0.5) * (14 / 12) - 0.5) * 15, 3);
  }
  const wide = lumaOf({ width: 2, height: 2 }, { width: 7, height: 2 }, (x) => 20 + 10 * x);
  expect(wide[0]).toBeCloseTo(20, 4);
  expect(wide[6]).toBeCloseTo(30, 4);
  expect(wide[3]).toBeCloseTo(25, 4);
});

test('a strong reduction averages what it covers instead of skipping it', () => {
  const size = { width: 64, height: 64 };
  const seen = lumaOf(size, { width: 4, height: 4 }, (x) => (x % 2 === 0 ? 20 : 220));
  for (const value of seen) expect(Math.abs(value - 120)).toBeLessThan(3);
});

/** What the loops in the kernel compute, pixel by pixel in float64. */
function referenceOf({ size, data }: Picture, seen: Size): number[] {
  const at = (from: number, plane: Size, x: number, y: number): number => {
    const u = Math.min(plane.width - 1, Math.max(0, ((x + 0.5) * plane.width) / seen.width - 0.5));
    const v = Math.min(
      plane.height - 1,
      Math.max(0, ((y + 0.5) * plane.height) / seen.height - 0.5),
    );
    const [left, top] = [Math.floor(u), Math.floor(v)];
    const [right, below] = [
      Math.min(left + 1, plane.width - 1),
      Math.min(top + 1, plane.height - 1),
    ];
    const row = (line: number): number =>
      data[from + line * plane.width + left]! * (left + 1 - u) +
      data[from + line * plane.width + right]! * (u - left);
    return row(top) * (top + 1 - v) + row(below) * (v - top);
  };
  const luma = size.width * size.height;
  const half = { width: size.width / 2, height: size.height / 2 };
  const pixels = Array.from({ length: seen.width * seen.height }, (_, i) => {
    const [x, y] = [i % seen.width, Math.floor(i / seen.width)];
    const light = 1.164383 * (at(0, size, x, y) - 16);
    const [blue, red] = [luma, luma * 1.25].map((from) => at(from, half, x, y) - 128);
    return [
      light + 1.596027 * red!,
      light - 0.391762 * blue! - 0.812968 * red!,
      light + 2.017232 * blue!,
    ].map((value) => Math.min(255, Math.max(0, value)));
  });
  return [0, 1, 2].flatMap((colour) => pixels.map((pixel) => pixel[colour]!));
}

test('every colour of every pixel is that of the formula, in whatever order and type it is asked for', () => {
  const seen = { width: 23, height: 17 };
  using frame = paintFrame({ width: 18, height: 12 }, (x, y) => [
    (x * 53 + y * 91) % 256,
    (x * 17 + y * 29 + 60) % 256,
    (x * 41 + y * 7 + 200) % 256,
  ]);
  const picture = pictureOf(frame);
  const expected = referenceOf(picture, seen);
  const asked = { ...target, ...seen };
  const planes = fillInput(picture, asked, new Float32Array(expected.length));
  for (const [i, value] of expected.entries()) expect(planes[i]).toBeCloseTo(value, 3);
  const bytes = fillInput(picture, asked, new Uint8Array(expected.length));
  for (const [i, value] of bytes.entries()) {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(0.501);
  }
  const plane = seen.width * seen.height;
  for (const out of [new Float32Array(expected.length), new Uint8Array(expected.length)]) {
    const same = out instanceof Uint8Array ? bytes : planes;
    fillInput(picture, asked, out, 'interleaved');
    for (const [i, value] of out.entries()) {
      expect(value).toBe(same[(i % 3) * plane + Math.floor(i / 3)]);
    }
  }
});

test('a picture that keeps its aspect fills the top left, and the rest is 0 in every type', () => {
  using frame = plainFrame([235, 128, 128], { width: 16, height: 8 });
  const asked = { ...target, width: 6, height: 6, fit: 'longest-pad' as const };
  for (const out of [new Float32Array(108).fill(7), new Uint8Array(108).fill(7)]) {
    fillInput(pictureOf(frame), asked, out);
    const expected = Array.from(out, (_, i) => (i % 36 < 18 ? 255 : 0));
    for (const [i, value] of out.entries()) expect(value).toBeCloseTo(expected[i]!, 2);
  }
});

test('left and right, top and bottom stay where they are in luma and chroma', () => {
  const frame = paintFrame({ width: 8, height: 16 }, (x, y) => [
    x < 4 ? 30 : 220,
    y < 8 ? 60 : 200,
    128,
  ]);
  const out = inputOf(frame);
  expect(out[0]).toBeLessThan(out[3]!);
  expect(out[32]).toBeLessThan(out[32 + 12]!);
});

test('a flipped region is the region with each row the other way round', () => {
  using frame = paintFrame({ width: 16, height: 8 }, (x, y) => [
    16 + x * 13,
    40 + y * 20,
    x < 7 ? 60 : 200,
  ]);
  const region = { x: 0.125, y: 0.25, width: 0.6, height: 0.5 };
  const [asIs, flipped] = [false, true].map((flip) => {
    const out = new Float32Array(48);
    fillInput(pictureOf(frame, { region, flipped: flip }), target, out);
    return out;
  });
  expect(flipped).not.toEqual(asIs);
  for (let from = 0; from < 48; from += 4) {
    expect([...flipped!.subarray(from, from + 4)]).toEqual(
      [...asIs!.subarray(from, from + 4)].toReversed(),
    );
  }
});
