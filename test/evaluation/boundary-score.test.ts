import { describe, expect, test } from 'vitest';
import { boundaryPixels, boundaryScore } from '../../src/evaluation/boundary-score.ts';
import { calibration, calibrationByAge } from '../../src/evaluation/calibration.ts';
import { distancePeak } from '../../src/evaluation/distance-peak.ts';
import { regionIou } from '../../src/evaluation/region-iou.ts';
import { seriesStatistics } from '../../src/evaluation/series-statistics.ts';

type Picture = { readonly bits: Uint8Array; readonly width: number; readonly height: number };

/** Repeatable numbers in [0, 1): Marsaglia's xorshift. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function blobs(seed: number, width: number, height: number): Picture {
  const next = random(seed);
  const bits = new Uint8Array(width * height);
  for (let blob = 0; blob < 4; blob++) {
    const [cx, cy] = [next() * width, next() * height];
    const [rx, ry] = [3 + next() * width * 0.2, 3 + next() * height * 0.2];
    for (let at = 0; at < bits.length; at++) {
      const [x, y] = [at % width, Math.floor(at / width)];
      if (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1) bits[at] = 1;
    }
  }
  return { bits, width, height };
}

/** `seg2bmap` of davis2017-evaluation, line by line. */
function slowBoundary({ bits, width, height }: Picture): Uint8Array {
  const seg = (x: number, y: number) => (x < width && y < height ? (bits[y * width + x] ?? 0) : 0);
  const out = new Uint8Array(bits.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const self = seg(x, y);
      const [east, south, southEast] = [seg(x + 1, y), seg(x, y + 1), seg(x + 1, y + 1)];
      let value = (self ^ east) | (self ^ south) | (self ^ southEast);
      if (y === height - 1) value = self ^ east;
      if (x === width - 1) value = self ^ south;
      if (y === height - 1 && x === width - 1) value = 0;
      out[y * width + x] = value;
    }
  }
  return out;
}

/** Binary dilation by `skimage.morphology.disk(radius)`, pixel by pixel. */
function slowDilate(boundary: Uint8Array, width: number, height: number, radius: number) {
  const out = new Uint8Array(boundary.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let dy = -radius; dy <= radius; dy++) {
        for (let dx = -radius; dx <= radius; dx++) {
          if (dx * dx + dy * dy > radius * radius) continue;
          const [px, py] = [x + dx, y + dy];
          if (px < 0 || py < 0 || px >= width || py >= height) continue;
          if (boundary[py * width + px]) out[y * width + x] = 1;
        }
      }
    }
  }
  return out;
}

const sum = (values: Uint8Array) => values.reduce((total, value) => total + value, 0);

/** `f_measure` of davis2017-evaluation, line by line. */
function slowScore(predicted: Picture, truth: Picture): number {
  const { width, height } = truth;
  const radius = Math.ceil(0.008 * Math.sqrt(width ** 2 + height ** 2));
  const fg = slowBoundary(predicted);
  const gt = slowBoundary(truth);
  const fgDilated = slowDilate(fg, width, height, radius);
  const gtDilated = slowDilate(gt, width, height, radius);
  const [nFg, nGt] = [sum(fg), sum(gt)];
  let [precision, recall] = [1, 1];
  if (nFg === 0 && nGt > 0) recall = 0;
  else if (nFg > 0 && nGt === 0) precision = 0;
  else if (nFg > 0) {
    precision = sum(fg.map((value, at) => value * (gtDilated[at] ?? 0))) / nFg;
    recall = sum(gt.map((value, at) => value * (fgDilated[at] ?? 0))) / nGt;
  }
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

describe('boundary score', () => {
  test('the boundary is the reference one, also along the edges of the picture', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const picture = blobs(seed, 61, 43);
      const slow = [...slowBoundary(picture).entries()].flatMap(([at, v]) => (v ? [at] : []));
      expect(boundaryPixels(picture.bits, picture)).toEqual(slow);
    }
  });

  test('F equals a literal re-implementation of the reference on random shapes', () => {
    let different = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const [a, b] = [blobs(seed, 180, 121), blobs(seed + 100, 180, 121)];
      const shifted = { ...a, bits: a.bits.map((_, at) => a.bits[at - 2] ?? 0) };
      for (const other of [b, shifted]) {
        const score = boundaryScore(a.bits, other.bits, other);
        expect(score).toBeCloseTo(slowScore(a, other), 12);
        if (score > 0.01 && score < 0.99) different++;
      }
    }
    expect(different).toBeGreaterThan(4);
  });

  test('F is 1 for two empty masks and 0 where one is missing', () => {
    const picture = blobs(3, 50, 40);
    const empty = new Uint8Array(50 * 40);
    expect(boundaryScore(empty, empty, picture)).toBe(1);
    expect(boundaryScore(empty, picture.bits, picture)).toBe(0);
    expect(boundaryScore(picture.bits, empty, picture)).toBe(0);
  });
});

test('J counts shared pixels over all pixels, and 1 where both masks are empty', () => {
  expect(regionIou(Uint8Array.of(1, 1, 0, 0), Uint8Array.of(0, 5, 5, 0))).toBeCloseTo(1 / 3, 12);
  expect(regionIou(new Uint8Array(4), new Uint8Array(4))).toBe(1);
  expect(regionIou(new Uint8Array(4), Uint8Array.of(1, 0, 0, 0))).toBe(0);
});

describe('series statistics', () => {
  test('decay takes the quarters of the reference, which share their border frames', () => {
    // np.round(np.linspace(1, 9, 5) + 1e-10) - 1 = [0, 2, 4, 6, 8]
    const scores = [1, 1, 1, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1];
    const { mean, recall, decay } = seriesStatistics(scores);
    expect(mean).toBeCloseTo(5.7 / 9, 12);
    expect(recall).toBeCloseTo(6 / 9, 12);
    expect(decay).toBeCloseTo(1 - 0.2, 12);
  });

  test('borders between two frames round half up as the reference does', () => {
    // np.round(np.linspace(1, 7, 5) + 1e-10) - 1 = [0, 2, 3, 5, 6]: 2.5 and 5.5 go up.
    expect(seriesStatistics([1, 0.5, 0, 9, 9, 0.25, 0.75]).decay).toBeCloseTo(0.5 - 0.5, 12);
  });
});

const sample = (confidence: number, iou: number, age: number | null = 0) => ({
  confidence,
  iou,
  age,
});

describe('calibration', () => {
  test('a constant offset is the error, whatever the bins', () => {
    const samples = [0.2, 0.5, 0.8].map((value) => sample(value, value - 0.1));
    expect(calibration(samples).ece).toBeCloseTo(0.1, 12);
  });

  test('inside a bin errors cancel, between bins they do not', () => {
    expect(calibration([sample(0.41, 0.2), sample(0.45, 0.66)]).ece).toBeCloseTo(0, 12);
    expect(calibration([sample(0.1, 0.3), sample(0.9, 0.7)]).ece).toBeCloseTo(0.2, 12);
    expect(calibration([sample(1, 1)]).ece).toBe(0);
  });

  test('the points of the plot are means over the masks of one range, by rising confidence', () => {
    const { bins } = calibration([sample(0.9, 0.7), sample(0.42, 0.2), sample(0.46, 0.6)]);
    expect(bins.map(({ samples }) => samples)).toEqual([2, 1]);
    expect(bins[0]?.meanConfidence).toBeCloseTo(0.44, 12);
    expect(bins[0]?.meanIou).toBeCloseTo(0.4, 12);
    expect(bins[1]).toMatchObject({ meanConfidence: 0.9, meanIou: 0.7 });
  });

  test('AUROC equals the share of ordered pairs, ties counted half', () => {
    const next = random(7);
    const samples = Array.from({ length: 60 }, () => sample(Math.round(next() * 10) / 10, next()));
    let won = 0;
    let pairs = 0;
    for (const good of samples.filter(({ iou }) => iou >= 0.5)) {
      for (const bad of samples.filter(({ iou }) => iou < 0.5)) {
        pairs++;
        if (good.confidence > bad.confidence) won++;
        else if (good.confidence === bad.confidence) won += 0.5;
      }
    }
    expect(pairs).toBeGreaterThan(100);
    expect(calibration(samples).auroc).toBeCloseTo(won / pairs, 12);
  });

  test('without bad masks there is no AUROC', () => {
    expect(calibration([sample(0.9, 0.9)])).toMatchObject({ auroc: null, bad: 0, samples: 1 });
  });

  test('every sample with a keyframe falls into exactly one age', () => {
    const samples = [0, 1, 2, 3, 5, 6, 10, 11, 20, 21, 400].map((age) => sample(0.5, 0.5, age));
    const buckets = calibrationByAge([...samples, sample(0.1, 0, null)]);
    expect(buckets.map(({ ages, calibration: { samples: count } }) => [ages, count])).toEqual([
      ['0', 1],
      ['1-2', 2],
      ['3-5', 2],
      ['6-10', 2],
      ['11-20', 2],
      ['> 20', 2],
    ]);
  });
});

describe('distance peak', () => {
  test('it is the pixel with the largest distance to the outside, as brute force finds it', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { bits, width, height } = blobs(seed, 44, 31);
      const inside = (x: number, y: number) =>
        x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x] === 1;
      let best = 0;
      let expected = null;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          let nearest = inside(x, y) ? Infinity : 0;
          for (let py = -1; py <= height && nearest > best; py++) {
            for (let px = -1; px <= width; px++) {
              if (!inside(px, py)) nearest = Math.min(nearest, (px - x) ** 2 + (py - y) ** 2);
            }
          }
          if (nearest > best) {
            best = nearest;
            expected = { x, y };
          }
        }
      }
      expect(distancePeak(bits, { width, height })).toEqual(expected);
    }
  });

  test('ties go to the lowest row, then the lowest column; an empty mask has none', () => {
    const bits = new Uint8Array(6 * 4).fill(1);
    expect(distancePeak(bits, { width: 6, height: 4 })).toEqual({ x: 1, y: 1 });
    expect(distancePeak(new Uint8Array(24), { width: 6, height: 4 })).toBeNull();
  });
});
