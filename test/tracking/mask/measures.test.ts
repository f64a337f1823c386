import { expect, test } from 'vitest';
import { measuresOf } from '../../../src/tracking/mask/measures.ts';
import { emptySoftMask } from '../../../src/tracking/mask/model-mask.ts';
import { randomSoftMask } from '../../fixtures/discs.ts';
import { randomNumbers } from '../../../bench/support/random-numbers.ts';

const size = { width: 27, height: 19 };

test('area, bounds and blur are those of the pixels, whatever the window', () => {
  const random = randomNumbers(23);
  for (let round = 0; round < 100; round++) {
    const mask = randomSoftMask(random, size);
    const { x, y, width } = mask.window!;
    let area = 0;
    let weight = 0;
    let uncertain = 0;
    const columns: number[] = [];
    const rows: number[] = [];
    mask.values.forEach((value, at) => {
      weight += value;
      if (value > 0.1 && value < 0.9) uncertain += value;
      if (value < 0.5) return;
      area++;
      columns.push(x + (at % width));
      rows.push(y + Math.floor(at / width));
    });
    const measures = measuresOf(mask);
    expect(measures.area).toBe(area);
    expect(measures.uncertaintyRatio).toBeCloseTo(weight === 0 ? 0 : uncertain / weight, 5);
    const left = Math.min(...columns);
    const top = Math.min(...rows);
    const across = Math.max(...columns) - left + 1;
    const down = Math.max(...rows) - top + 1;
    const bounds = { x: left, y: top, width: across, height: down };
    expect(measures.bounds).toEqual(area === 0 ? null : bounds);
  }
});

test('an empty mask measures nothing', () => {
  expect(measuresOf(emptySoftMask(size))).toEqual({ area: 0, bounds: null, uncertaintyRatio: 0 });
});
