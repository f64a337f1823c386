import { describe, expect, test } from 'vitest';
import { seriesStatistics } from '../../src/evaluation/series-statistics.ts';

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
