import { wholeView } from '../../../src/frame/geometry.ts';
import { expect, test } from 'vitest';
import { pictureOf } from '../../../src/inference/picture.ts';
import { fillInput, resamplePlane } from '../../../src/inference/layouts/preprocess.ts';
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

test('a plane at its own size is copied exactly', () => {
  const source = Uint8Array.from({ length: 30 }, (_, i) => (i * 37) % 256);
  const out = new Float32Array(30);
  resamplePlane(
    { samples: source, size: { width: 6, height: 5 }, ...wholeView },
    { width: 6, height: 5 },
    out,
  );
  expect([...out]).toEqual([...source]);
});

test('bilinear sampling keeps pixel centres: a ramp stays on its line, edges repeat', () => {
  const source = Uint8Array.from({ length: 14 }, (_, i) => (i % 7) * 30);
  const out = new Float32Array(12);
  resamplePlane(
    { samples: source, size: { width: 7, height: 2 }, ...wholeView },
    { width: 6, height: 2 },
    out,
  );
  for (let x = 0; x < 6; x++) expect(out[x]).toBeCloseTo(((x + 0.5) * (7 / 6) - 0.5) * 30, 3);
  const wide = new Float32Array(14);
  resamplePlane(
    { samples: Uint8Array.of(10, 20, 10, 20), size: { width: 2, height: 2 }, ...wholeView },
    { width: 7, height: 2 },
    wide,
  );
  expect(wide[0]).toBe(10);
  expect(wide[6]).toBe(20);
  expect(wide[3]).toBeCloseTo(15, 5);
});

test('a strong reduction averages what it covers instead of skipping it', () => {
  const stripes = Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 2 === 0 ? 0 : 200));
  const out = new Float32Array(16);
  resamplePlane(
    { samples: stripes, size: { width: 64, height: 64 }, ...wholeView },
    { width: 4, height: 4 },
    out,
  );
  for (const value of out) expect(Math.abs(value - 100)).toBeLessThan(3);
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
