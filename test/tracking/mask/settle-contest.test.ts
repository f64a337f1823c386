import { expect, test } from 'vitest';
import type { Size } from '../../../src/frame/geometry.ts';
import { maskToBitmap } from '../../../src/frame/mask.ts';
import type { SoftMask } from '../../../src/frame/soft-mask.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { renderDisjoint } from '../../../src/tracking/mask/overlap.ts';
import { settleContest } from '../../../src/tracking/mask/settle-contest.ts';
import { randomSoftMask } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

const size = { width: 60, height: 40 };

/** Claims columns from..end with a probability near 1; `noise` is taken off at random. */
function noisyBand(from: number, end: number, noise: () => number): SoftMask {
  const values = Float32Array.from({ length: size.width * size.height }, (_, at) => {
    const x = at % size.width;
    return x >= from && x < end ? 1 - noise() : 0;
  });
  return { size, window: { x: 0, y: 0, ...size }, values };
}

/** The owner of each pixel at analysis size; -1 where nobody owns it. */
function ownersOf(masks: readonly SoftMask[], picture: Size): Int8Array {
  const owners = new Int8Array(picture.width * picture.height).fill(-1);
  renderDisjoint(masks, picture).forEach((mask, i) => {
    maskToBitmap(mask).forEach((bit, at) => {
      if (bit === 1) owners[at] = i;
    });
  });
  return owners;
}

/** Connected parts of equal owners, unowned pixels left out. */
function countParts(owners: Int8Array, { width }: Size): number {
  const seen = new Set<number>();
  let parts = 0;
  owners.forEach((owner, start) => {
    if (owner < 0 || seen.has(start)) return;
    parts++;
    const rest = [start];
    seen.add(start);
    for (let at = rest.pop(); at !== undefined; at = rest.pop()) {
      const x = at % width;
      const near = [x > 0 ? at - 1 : at, x < width - 1 ? at + 1 : at, at - width, at + width];
      for (const next of near) {
        if (owners[next] !== owner || seen.has(next)) continue;
        seen.add(next);
        rest.push(next);
      }
    }
  });
  return parts;
}

test('where two noisy masks claim the same band, each owns one connected part', () => {
  const random = randomNumbers(17);
  for (let round = 0; round < 20; round++) {
    const noise = (): number => 0.1 * random();
    const masks = [noisyBand(5, 36, noise), noisyBand(24, 55, noise)];
    expect(countParts(ownersOf(masks, size), size)).toBeGreaterThan(20);
    const settled = settleContest(masks);
    const owners = ownersOf(settled.masks, size);
    expect(countParts(owners, size), `round ${round}`).toBe(2);
    expect(owners.filter((owner) => owner >= 0)).toHaveLength(50 * size.height);
    for (const ratio of settled.contestedRatios) expect(ratio).toBeCloseTo(12 / 31, 6);
  }
});

test('an object that lies within another one stays whole', () => {
  const random = randomNumbers(19);
  const noise = (): number => 0.1 * random();
  const [outer, inner] = [noisyBand(5, 55, noise), noisyBand(25, 35, noise)];
  for (const masks of [
    [outer, inner],
    [inner, outer],
  ]) {
    const settled = settleContest(masks);
    const owners = ownersOf(settled.masks, size);
    const area = owners.filter((owner) => owner === masks.indexOf(inner)).length;
    expect(area).toBe(10 * size.height);
    expect(settled.contestedRatios[masks.indexOf(inner)]).toBe(1);
  }
});

test('whatever the masks are, claimed pixels stay claimed and no others are, by those who held them', () => {
  const random = randomNumbers(23);
  const picture = { width: 24, height: 18 };
  for (let round = 0; round < 100; round++) {
    const count = 2 + Math.floor(random() * 3);
    const masks = Array.from({ length: count }, () => randomSoftMask(random, picture));
    const before = masks.map(pixelsOf);
    const after = settleContest(masks).masks.map(pixelsOf);
    const claimed = before[0]!.map((_, at) => most(before, at));
    // What the owner held before; 0 where nobody owns the pixel.
    const owned = before[0]!.map((_, at) => {
      const owner = after.findIndex((held) => held[at]! >= 0.5);
      return owner < 0 ? 0 : before[owner]![at]!;
    });
    claimed.forEach((value, at) => {
      expect(owned[at]! >= 0.25, `round ${round}, pixel ${at}`).toBe(value >= 0.5);
    });
  }
});

test('masks that do not meet are the very ones that came', () => {
  const masks = [noisyBand(5, 20, () => 0), noisyBand(20, 40, () => 0), emptySoftMask(size)];
  const settled = settleContest(masks);
  settled.masks.forEach((mask, i) => expect(mask).toBe(masks[i]));
  expect(settled.contestedRatios).toEqual([0, 0, 0]);
  expect(settleContest([]).masks).toEqual([]);
});

function pixelsOf({ size: picture, window, values }: SoftMask): Float32Array {
  const out = new Float32Array(picture.width * picture.height);
  if (window === null) return out;
  values.forEach((value, at) => {
    const y = window.y + Math.floor(at / window.width);
    out[y * picture.width + window.x + (at % window.width)] = value;
  });
  return out;
}

function most(held: readonly Float32Array[], at: number): number {
  return Math.max(...held.map((values) => values[at]!));
}

test('many masks that fill the picture are left to the higher value, and their shares are told', () => {
  const large = { width: 512, height: 288 };
  const window = { x: 0, y: 0, ...large };
  const values = new Float32Array(large.width * large.height).fill(0.9);
  const masks = Array.from({ length: 32 }, () => ({ size: large, window, values }));
  const settled = settleContest(masks);
  expect(settled.masks).toBe(masks);
  expect(settled.contestedRatios).toEqual(masks.map(() => 1));
});
